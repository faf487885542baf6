"""Random checkpoints of Kandinsky 2.0 in the original's layout, of any widths, depths and head counts.

The keys and shapes are those of ai-forever/Kandinsky-2. The second text's width is a multiple of 8, the heads of its
pooling. Vocabularies are those of the goldens' tokenizers, which are copied.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from golden_files import GOLDENS
from original_checkpoint import Checkpoint, fill_unet, xlmr_encoder

_SOURCE = GOLDENS / "kandinsky-2.0" / "2_0"


@dataclass(frozen=True)
class Original20Shape:
    """Widths and depths. `unet_head_width`: what no tensor shows."""

    joint: int = 24
    xlmr_width: int = 48
    xlmr_layers: int = 1
    xlmr_heads: int = 3
    mt5_width: int = 40
    mt5_head_width: int = 6
    mt5_layers: int = 2
    mt5_heads: int = 4
    unet_channels: tuple[int, ...] = (32, 64, 96)
    unet_attends: tuple[bool, ...] = (False, True, True)
    unet_resnets: int = 2
    unet_head_width: int = 32
    context: int = 56
    vae_channels: tuple[int, ...] = (32, 64, 32, 32)
    vae_resnets: int = 2
    vocabulary: int = 122
    dtype: torch.dtype = torch.float32
    scale: float = 0.2


def _unet(shape: Original20Shape, input_channels: int) -> Checkpoint:
    unet, time = Checkpoint(shape.dtype), 4 * shape.unet_channels[0]
    fill_unet(unet, shape, input_channels)
    unet.layer("to_model_dim", shape.context, shape.xlmr_width)
    unet.layer("to_model_dim2", shape.context, shape.mt5_width)
    unet.layer("proj", time, shape.joint)
    for name in ("q_linear", "k_linear", "v_linear"):
        unet.layer(f"proj2.{name}", shape.mt5_width, shape.mt5_width)
    unet.layer("proj2.out", time, shape.mt5_width)
    unet.norm("ln_model1", shape.context)
    unet.norm("ln_model2", time)
    unet.norm("ln_model3", time)
    return unet


def _mt5(shape: Original20Shape) -> tuple[Checkpoint, dict[str, Any]]:
    encoder, width = Checkpoint(shape.dtype), shape.mt5_width
    inner = shape.mt5_heads * shape.mt5_head_width

    def plain(name: str, outputs: int, inputs: int) -> None:
        encoder.table(f"{name}.weight", outputs, inputs, scale=inputs**-0.5)

    encoder.table("shared.weight", 336, width)
    for index in range(shape.mt5_layers):
        here = f"encoder.block.{index}.layer"
        for name in ("q", "k", "v"):
            plain(f"{here}.0.SelfAttention.{name}", inner, width)
        plain(f"{here}.0.SelfAttention.o", width, inner)
        if index == 0:
            encoder.table(f"{here}.0.SelfAttention.relative_attention_bias.weight", 32, shape.mt5_heads)
        plain(f"{here}.1.DenseReluDense.wi_0", 2 * width, width)
        plain(f"{here}.1.DenseReluDense.wi_1", 2 * width, width)
        plain(f"{here}.1.DenseReluDense.wo", width, 2 * width)
        for layer in (0, 1):
            encoder.table(f"{here}.{layer}.layer_norm.weight", width, scale=1.0)
    encoder.table("encoder.final_layer_norm.weight", width, scale=1.0)
    config = {
        "model_type": "mt5",
        "d_model": width,
        "d_kv": shape.mt5_head_width,
        "d_ff": 2 * width,
        "num_layers": shape.mt5_layers,
        "num_heads": shape.mt5_heads,
        "vocab_size": 336,
        "feed_forward_proj": "gated-gelu",
        "pad_token_id": 0,
        "eos_token_id": 1,
    }
    return encoder, config


def _vae(shape: Original20Shape) -> Checkpoint:
    vae, channels = Checkpoint(shape.dtype), shape.vae_channels

    def resnet(here: str, inputs: int, outputs: int) -> None:
        vae.norm(f"{here}.norm1", inputs)
        vae.layer(f"{here}.conv1", outputs, inputs, 3, 3)
        vae.norm(f"{here}.norm2", outputs)
        vae.layer(f"{here}.conv2", outputs, outputs, 3, 3)
        if inputs != outputs:
            vae.layer(f"{here}.nin_shortcut", outputs, inputs, 1, 1)

    def middle(half: str, width: int) -> None:
        resnet(f"{half}.mid.block_1", width, width)
        vae.norm(f"{half}.mid.attn_1.norm", width)
        for name in ("q", "k", "v", "proj_out"):
            vae.layer(f"{half}.mid.attn_1.{name}", width, width, 1, 1)
        resnet(f"{half}.mid.block_2", width, width)

    width = channels[0]
    vae.layer("encoder.conv_in", width, 3, 3, 3)
    for level, outputs in enumerate(channels):
        for place in range(shape.vae_resnets):
            resnet(f"encoder.down.{level}.block.{place}", width, outputs)
            width = outputs
        if level < len(channels) - 1:
            vae.layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    middle("encoder", width)
    vae.norm("encoder.norm_out", width)
    vae.layer("encoder.conv_out", 8, width, 3, 3)
    vae.layer("decoder.conv_in", width, 4, 3, 3)
    middle("decoder", width)
    for level, outputs in reversed(list(enumerate(channels))):
        for place in range(shape.vae_resnets + 1):
            resnet(f"decoder.up.{level}.block.{place}", width, outputs)
            width = outputs
        if level > 0:
            vae.layer(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    vae.norm("decoder.norm_out", width)
    vae.layer("decoder.conv_out", 3, width, 3, 3)
    vae.layer("quant_conv", 8, 8, 1, 1)
    vae.layer("post_quant_conv", 4, 4, 1, 1)
    return vae


def write_original20_checkpoint(folder: Path, shape: Original20Shape, seed: int = 0) -> None:
    """Writes `2_0/` and a `config.json` with what no tensor shows."""
    torch.manual_seed(seed)
    weights = folder / "2_0"
    for name, (encoder, config) in {"text_encoder1": xlmr_encoder(shape), "text_encoder2": _mt5(shape)}.items():
        (weights / name).mkdir(parents=True)
        torch.save(encoder.tensors, weights / name / "pytorch_model.bin")
        (weights / name / "config.json").write_text(json.dumps(config))
    shutil.copy(_SOURCE / "text_encoder1" / "tokenizer.json", weights / "text_encoder1")
    shutil.copy(_SOURCE / "text_encoder2" / "spiece.model", weights / "text_encoder2")
    torch.save(_unet(shape, 4).tensors, weights / "Kandinsky-2-0.pt")
    torch.save(_unet(shape, 9).tensors, weights / "Kandinsky-2-0-inpainting.pt")
    torch.save({"state_dict": _vae(shape).tensors}, weights / "vae.ckpt")
    config = {
        "model_config": {"num_head_channels": shape.unet_head_width},
        "image_enc_params": {"scale": shape.scale},
    }
    (folder / "config.json").write_text(json.dumps(config))
