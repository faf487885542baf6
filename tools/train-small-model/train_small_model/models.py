"""Builds every part with the real classes at the small widths."""

from __future__ import annotations

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.models.attention_processor import AttnAddedKVProcessor
from diffusers.pipelines.kandinsky.text_encoder import MCLIPConfig, MultilingualCLIP
from torch import nn
from transformers import CLIPTextConfig, CLIPTextModelWithProjection, CLIPVisionConfig, CLIPVisionModelWithProjection

from .config import ModelConfig

# Tokens of every text fed to the prior and the decoder, as in the real model.
TEXT_TOKENS = 77
NORM_GROUPS = 8


def clip_text(m: ModelConfig, vocab_size: int, end_id: int, private: int = 0) -> CLIPTextModelWithProjection:
    """CLIP's text tower; ``private`` extra rows past the vocabulary exist in training only."""
    config = CLIPTextConfig(
        vocab_size=vocab_size + private, hidden_size=m.embed_dim, intermediate_size=4 * m.embed_dim,
        projection_dim=m.embed_dim, num_hidden_layers=m.text_layers, num_attention_heads=m.heads,
        max_position_embeddings=m.max_positions, hidden_act="quick_gelu",
        bos_token_id=end_id - 1, eos_token_id=end_id, pad_token_id=end_id, attn_implementation="eager",
    )  # fmt: skip
    return CLIPTextModelWithProjection(config)


def clip_vision(m: ModelConfig, image_size: int) -> CLIPVisionModelWithProjection:
    config = CLIPVisionConfig(
        hidden_size=m.vision_width, intermediate_size=4 * m.vision_width, projection_dim=m.embed_dim,
        num_hidden_layers=m.vision_layers, num_attention_heads=m.vision_heads, image_size=image_size,
        patch_size=m.patch_size, hidden_act="quick_gelu", attn_implementation="eager",
    )  # fmt: skip
    return CLIPVisionModelWithProjection(config)


def multilingual_clip(m: ModelConfig, vocab_size: int, private: int = 0) -> MultilingualCLIP:
    config = MCLIPConfig(
        transformerDimSize=m.xlmr_width, imageDimSize=m.embed_dim, vocab_size=vocab_size + private,
        hidden_size=m.xlmr_width, intermediate_size=4 * m.xlmr_width, num_hidden_layers=m.xlmr_layers,
        num_attention_heads=m.heads, max_position_embeddings=m.max_positions + 3, type_vocab_size=1,
        hidden_dropout_prob=0.0, attention_probs_dropout_prob=0.0,
        pad_token_id=1, bos_token_id=0, eos_token_id=2, attn_implementation="eager",
    )  # fmt: skip
    return MultilingualCLIP(config)


def prior(m: ModelConfig) -> PriorTransformer:
    return PriorTransformer(
        num_attention_heads=m.prior_heads, attention_head_dim=m.prior_head_dim, num_layers=m.prior_layers,
        embedding_dim=m.embed_dim, num_embeddings=TEXT_TOKENS, additional_embeddings=4,
    )  # fmt: skip


def unet(m: ModelConfig, in_channels: int = 4) -> UNet2DConditionModel:
    """Kandinsky 2.1's decoder: real block types, image tokens and pooled text as added embeddings, learnt sigma.

    Nine input channels make the inpainting decoder: noised latents, the picture's kept latents, mask (1: kept).
    """
    down = ("ResnetDownsampleBlock2D", *["SimpleCrossAttnDownBlock2D"] * (len(m.unet_channels) - 1))
    up = (*["SimpleCrossAttnUpBlock2D"] * (len(m.unet_channels) - 1), "ResnetUpsampleBlock2D")
    model = UNet2DConditionModel(
        sample_size=16, in_channels=in_channels, out_channels=8, down_block_types=down, up_block_types=up,
        mid_block_type="UNetMidBlock2DSimpleCrossAttn", block_out_channels=m.unet_channels, layers_per_block=1,
        attention_head_dim=m.unet_head_dim, cross_attention_dim=m.embed_dim, norm_num_groups=NORM_GROUPS,
        encoder_hid_dim=m.xlmr_width, encoder_hid_dim_type="text_image_proj", addition_embed_type="text_image",
        resnet_time_scale_shift="scale_shift", class_embed_type=None,
    )  # fmt: skip
    model.set_attn_processor(AttnAddedKVProcessor())  # Its backward is faster than the fused one's on a CPU.
    return model


def movq(m: ModelConfig, image_size: int) -> VQModel:
    levels = len(m.movq_channels)
    return VQModel(
        in_channels=3, out_channels=3, down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels, block_out_channels=m.movq_channels, layers_per_block=1,
        latent_channels=4, sample_size=image_size // 2 ** (levels - 1), num_vq_embeddings=m.movq_codes,
        norm_num_groups=NORM_GROUPS, vq_embed_dim=4, scaling_factor=1.0, norm_type="spatial",
    )  # fmt: skip


def added_conditions(text_embeds_BD: torch.Tensor, image_embeds_BD: torch.Tensor) -> dict[str, torch.Tensor]:
    return {"text_embeds": text_embeds_BD, "image_embeds": image_embeds_BD}


def parameter_count(module: nn.Module) -> int:
    return sum(p.numel() for p in module.parameters())
