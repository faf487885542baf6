"""A tiny random model in diffusers' layout with tiny tokenizers: the real classes, nothing learnt, fast to run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP
from tokenizers import pre_tokenizers
from transformers import (
    CLIPTextConfig,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionConfig,
    CLIPVisionModelWithProjection,
    XLMRobertaTokenizer,
)

WORDS = ("a", "photo", "of", "the", "cat", "dog", "train", "bird", "red", "blue", "on", "background", "in", "snow")
LETTERS = "abcdefghijklmnopqrstuvwxyz"
WIDTH = 32
IMAGE_SIZE = 16

SETTINGS = """
family: kandinsky-2.1
image_size: 16
num_steps: 4
guidance_scale: 2.5
prior_steps: 5
prior_guidance_scale: 4.0
"""


def clip_tokenizer() -> CLIPTokenizer:
    """Byte-level BPE whose merges build WORDS; the two special tokens come last, as in CLIP's."""
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    merges: list[tuple[str, str]] = []
    for word in WORDS:
        pieces = [*word[:-1], word[-1] + "</w>"]
        while len(pieces) > 1:
            pair = (pieces[0], pieces[1])
            if pair not in merges:
                merges.append(pair)
            pieces = ["".join(pair), *pieces[2:]]
    tokens = [*alphabet, *(letter + "</w>" for letter in alphabet), *("".join(pair) for pair in merges)]
    tokens = [*dict.fromkeys(tokens), "<|startoftext|>", "<|endoftext|>"]
    loose: Any = CLIPTokenizer  # it takes pairs, but says that it takes text
    return loose(vocab={token: index for index, token in enumerate(tokens)}, merges=merges)


def xlmr_tokenizer() -> XLMRobertaTokenizer:
    pieces = [("\u2581", -5.0), *((letter, -8.0) for letter in LETTERS), *((sign, -8.0) for sign in ",.'")]
    pieces += [("\u2581" + word, -2.0) for word in WORDS]
    special = [("<s>", 0.0), ("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return XLMRobertaTokenizer(vocab=[*special, *pieces, ("<mask>", 0.0)])


def tiny_unet(channels: int) -> UNet2DConditionModel:
    """A decoder, or of 9 channels an inpainting one."""
    return UNet2DConditionModel(
        sample_size=8,
        in_channels=channels,
        out_channels=8,
        down_block_types=("ResnetDownsampleBlock2D", "SimpleCrossAttnDownBlock2D"),
        up_block_types=("SimpleCrossAttnUpBlock2D", "ResnetUpsampleBlock2D"),
        mid_block_type="UNetMidBlock2DSimpleCrossAttn",
        block_out_channels=(16, 32),
        layers_per_block=1,
        attention_head_dim=16,
        cross_attention_dim=WIDTH,
        norm_num_groups=8,
        encoder_hid_dim=WIDTH,
        encoder_hid_dim_type="text_image_proj",
        addition_embed_type="text_image",
        resnet_time_scale_shift="scale_shift",
    )


def write_tiny_model(folder: Path, seed: int = 0) -> None:
    """Writes both pipelines' folders and `murnau.yaml`."""
    torch.manual_seed(seed)
    decoder, prior = folder / "kandinsky-2-1", folder / "kandinsky-2-1-prior"
    t1, t2 = xlmr_tokenizer(), clip_tokenizer()
    t1.save_pretrained(decoder / "tokenizer")
    t2.save_pretrained(prior / "tokenizer")
    MultilingualCLIP(
        MCLIPConfig(
            transformerDimSize=WIDTH,
            imageDimSize=WIDTH,
            vocab_size=len(t1),
            hidden_size=WIDTH,
            intermediate_size=64,
            num_hidden_layers=1,
            num_attention_heads=4,
            max_position_embeddings=80,
            type_vocab_size=1,
            pad_token_id=1,
            bos_token_id=0,
            eos_token_id=2,
        )
    ).save_pretrained(decoder / "text_encoder")
    tiny_unet(4).save_pretrained(decoder / "unet")
    tiny_unet(9).save_pretrained(folder / "kandinsky-2-1-inpaint" / "unet")
    VQModel(
        block_out_channels=(32, 32),
        down_block_types=("DownEncoderBlock2D",) * 2,
        up_block_types=("UpDecoderBlock2D",) * 2,
        latent_channels=4,
        num_vq_embeddings=16,
        norm_num_groups=8,
        vq_embed_dim=4,
        norm_type="spatial",
    ).save_pretrained(decoder / "movq")
    CLIPTextModelWithProjection(
        CLIPTextConfig(
            vocab_size=len(t2),
            hidden_size=WIDTH,
            intermediate_size=64,
            projection_dim=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=4,
            max_position_embeddings=77,
            bos_token_id=len(t2) - 2,
            eos_token_id=len(t2) - 1,
        )
    ).save_pretrained(prior / "text_encoder")
    CLIPVisionModelWithProjection(
        CLIPVisionConfig(
            hidden_size=WIDTH,
            intermediate_size=64,
            projection_dim=WIDTH,
            num_hidden_layers=1,
            num_attention_heads=4,
            image_size=IMAGE_SIZE,
            patch_size=8,
        )
    ).save_pretrained(prior / "image_encoder")
    prior_network = PriorTransformer(
        num_attention_heads=2, attention_head_dim=16, num_layers=2, embedding_dim=WIDTH, num_embeddings=77
    )
    torch.nn.init.ones_(prior_network.clip_std)
    prior_network.save_pretrained(prior / "prior")
    (folder / "murnau.yaml").write_text(SETTINGS)
