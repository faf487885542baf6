"""Kandinsky 2.1 with random weights at a reduced size, whose parts are to each other as the real ones are.

UNet 24M, prior 20M, MoVQ 17M, XLM-R's table 250002 × 256, CLIP's 49408 × 256, pictures of 256 px; the small model's
tokenizers, so that prompts have as many tokens as real ones.
"""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP
from runs import SMALL_MODEL
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
)

WIDTH = 256
IMAGE_SIZE = 256
T1_VOCABULARY, T2_VOCABULARY = 250_002, 49_408


def write_reduced_model(folder: Path) -> None:
    """Writes both pipelines' folders (700 MB) and `murnau.yaml`."""
    torch.manual_seed(0)
    decoder, prior = folder / "kandinsky-2-1", folder / "kandinsky-2-1-prior"
    for pipeline in (decoder, prior):
        shutil.copytree(SMALL_MODEL / pipeline.name / "tokenizer", pipeline / "tokenizer")
    _text_towers(decoder, prior)
    _prior(prior)
    _decoder(decoder)
    (folder / "murnau.yaml").write_text(f"family: kandinsky-2.1\nimage_size: {IMAGE_SIZE}\n")


def _text_towers(decoder: Path, prior: Path) -> None:
    MultilingualCLIP(
        MCLIPConfig(
            transformerDimSize=WIDTH,
            imageDimSize=WIDTH,
            vocab_size=T1_VOCABULARY,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            num_hidden_layers=4,
            num_attention_heads=8,
            max_position_embeddings=514,
            type_vocab_size=1,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
        )
    ).save_pretrained(decoder / "text_encoder")
    CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=T2_VOCABULARY,
            hidden_size=WIDTH,
            intermediate_size=4 * WIDTH,
            projection_dim=WIDTH,
            num_hidden_layers=4,
            num_attention_heads=8,
            max_position_embeddings=77,
            bos_token_id=T2_VOCABULARY - 2,
            eos_token_id=T2_VOCABULARY - 1,
        )
    ).save_pretrained(prior / "text_encoder")
    CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=64,
            intermediate_size=128,
            projection_dim=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=4,
            image_size=224,
            patch_size=32,
        )
    ).save_pretrained(prior / "image_encoder")


def _prior(folder: Path) -> None:
    network = PriorTransformer(
        num_attention_heads=16, attention_head_dim=32, num_layers=6, embedding_dim=WIDTH, num_embeddings=77
    )
    torch.nn.init.ones_(network.clip_std)
    network.save_pretrained(folder / "prior")


def _decoder(folder: Path) -> None:
    UNet2DConditionModel(
        sample_size=IMAGE_SIZE // 8,
        in_channels=4,
        out_channels=8,
        down_block_types=("ResnetDownsampleBlock2D", *("SimpleCrossAttnDownBlock2D",) * 3),
        up_block_types=(*("SimpleCrossAttnUpBlock2D",) * 3, "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        block_out_channels=(64, 128, 224, 288),
        layers_per_block=1,
        attention_head_dim=32,
        cross_attention_dim=WIDTH,
        norm_num_groups=16,
        encoder_hid_dim=WIDTH,
        encoder_hid_dim_type="text_image_proj",
        addition_embed_type="text_image",
        resnet_time_scale_shift="scale_shift",
    ).save_pretrained(folder / "unet")
    VQModel(
        block_out_channels=(64, 128, 160, 256),
        down_block_types=("DownEncoderBlock2D",) * 4,
        up_block_types=("UpDecoderBlock2D",) * 4,
        layers_per_block=2,
        latent_channels=4,
        num_vq_embeddings=16_384,
        norm_num_groups=16,
        vq_embed_dim=4,
        norm_type="spatial",
    ).save_pretrained(folder / "movq")
