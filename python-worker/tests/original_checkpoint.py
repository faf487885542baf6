"""Random checkpoints in the original's layout, of any widths, depths and head counts.

The keys and shapes are those of ai-forever/Kandinsky-2 and openai/CLIP; the values are noise of a forward pass's scale.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import torch


@dataclass(frozen=True)
class OriginalShape:
    """Widths and depths. `clip_heads`, `prior_heads`, `unet_head_width`: what no tensor shows."""

    joint: int = 48
    xlmr_width: int = 64
    xlmr_layers: int = 1
    xlmr_heads: int = 2
    clip_width: int = 40
    clip_layers: int = 3
    clip_heads: int = 5
    vision_width: int = 128
    vision_layers: int = 1
    patch: int = 8
    grid: int = 3
    prior_width: int = 96
    prior_layers: int = 1
    prior_heads: int = 3
    unet_channels: tuple[int, ...] = (32, 64, 96)
    unet_attends: tuple[bool, ...] = (False, True, True)
    unet_resnets: int = 2
    unet_head_width: int = 32
    context: int = 56
    image_tokens: int = 4
    movq_channels: tuple[int, ...] = (32, 64)
    movq_resnets: int = 2
    vocabulary: int = 300
    dtype: torch.dtype = torch.float16


@dataclass
class Checkpoint:
    """Tensors by name, in the dtype of the file."""

    dtype: torch.dtype
    tensors: dict[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])

    def table(self, name: str, *shape: int, scale: float = 0.3) -> None:
        self.tensors[name] = (torch.randn(shape) * scale).to(self.dtype)

    def layer(self, name: str, outputs: int, inputs: int, *kernel: int) -> None:
        self.table(f"{name}.weight", outputs, inputs, *kernel, scale=1 / math.sqrt(inputs * math.prod(kernel)))
        self.table(f"{name}.bias", outputs, scale=0.05)

    def norm(self, name: str, width: int) -> None:
        self.tensors[f"{name}.weight"] = (1 + 0.1 * torch.randn(width)).to(self.dtype)
        self.table(f"{name}.bias", width, scale=0.05)


def _clip_blocks(clip: Checkpoint, prefix: str, width: int, layers: int) -> None:
    for index in range(layers):
        here = f"{prefix}transformer.resblocks.{index}"
        clip.table(f"{here}.attn.in_proj_weight", 3 * width, width, scale=width**-0.5)
        clip.table(f"{here}.attn.in_proj_bias", 3 * width, scale=0.05)
        clip.layer(f"{here}.attn.out_proj", width, width)
        clip.norm(f"{here}.ln_1", width)
        clip.norm(f"{here}.ln_2", width)
        clip.layer(f"{here}.mlp.c_fc", 4 * width, width)
        clip.layer(f"{here}.mlp.c_proj", width, 4 * width)


def _clip(shape: OriginalShape) -> Checkpoint:
    clip = Checkpoint(shape.dtype)
    _clip_blocks(clip, "", shape.clip_width, shape.clip_layers)
    _clip_blocks(clip, "visual.", shape.vision_width, shape.vision_layers)
    clip.table("token_embedding.weight", shape.vocabulary, shape.clip_width)
    clip.table("positional_embedding", 77, shape.clip_width)
    clip.table("text_projection", shape.clip_width, shape.joint)
    clip.table("logit_scale")
    clip.norm("ln_final", shape.clip_width)
    clip.table("visual.class_embedding", shape.vision_width)
    clip.table("visual.positional_embedding", shape.grid**2 + 1, shape.vision_width)
    clip.table("visual.proj", shape.vision_width, shape.joint)
    clip.table("visual.conv1.weight", shape.vision_width, 3, shape.patch, shape.patch, scale=0.1)
    clip.norm("visual.ln_pre", shape.vision_width)
    clip.norm("visual.ln_post", shape.vision_width)
    return clip


def _prior(shape: OriginalShape) -> Checkpoint:
    prior, width = Checkpoint(shape.dtype), shape.prior_width
    prior.table("model.positional_embedding", 1, 81, width)
    prior.table("model.prd_emb", 1, 1, width)
    inputs = (
        ("time_embed.0", width),
        ("time_embed.2", width),
        ("text_enc_proj", shape.clip_width),
        ("text_emb_proj", shape.joint),
        ("clip_img_proj", shape.joint),
    )
    for name, width_in in inputs:
        prior.layer(f"model.{name}", width, width_in)
    prior.layer("model.out_proj", shape.joint, width)
    prior.norm("model.final_ln", width)
    for index in range(shape.prior_layers):
        here = f"model.transformer.resblocks.{index}"
        prior.layer(f"{here}.attn.c_qkv", 3 * width, width)
        prior.layer(f"{here}.attn.c_proj", width, width)
        prior.norm(f"{here}.ln_1", width)
        prior.norm(f"{here}.ln_2", width)
        prior.layer(f"{here}.mlp.c_fc", 4 * width, width)
        prior.layer(f"{here}.mlp.c_proj", width, 4 * width)
    return prior


class UnetOfShape(Protocol):
    @property
    def unet_channels(self) -> tuple[int, ...]: ...
    @property
    def unet_attends(self) -> tuple[bool, ...]: ...
    @property
    def unet_resnets(self) -> int: ...
    @property
    def context(self) -> int: ...


def fill_unet(unet: Checkpoint, shape: UnetOfShape, input_channels: int) -> None:
    """All but what takes the condition."""
    channels = shape.unet_channels
    time = 4 * channels[0]

    def resnet(here: str, inputs: int, outputs: int) -> None:
        unet.norm(f"{here}.in_layers.0", inputs)
        unet.layer(f"{here}.in_layers.2", outputs, inputs, 3, 3)
        unet.layer(f"{here}.emb_layers.1", 2 * outputs, time)
        unet.norm(f"{here}.out_layers.0", outputs)
        unet.layer(f"{here}.out_layers.3", outputs, outputs, 3, 3)
        if inputs != outputs:
            unet.layer(f"{here}.skip_connection", outputs, inputs, 1, 1)

    def attention(here: str, width: int) -> None:
        unet.norm(f"{here}.norm", width)
        unet.layer(f"{here}.qkv", 3 * width, width, 1)
        unet.layer(f"{here}.encoder_kv", 2 * width, shape.context, 1)
        unet.layer(f"{here}.proj_out", width, width, 1)

    unet.layer("time_embed.0", time, channels[0])
    unet.layer("time_embed.2", time, time)
    unet.layer("input_blocks.0.0", channels[0], input_channels, 3, 3)
    skips, block, width = [channels[0]], 1, channels[0]
    for level, outputs in enumerate(channels):
        for _ in range(shape.unet_resnets):
            resnet(f"input_blocks.{block}.0", width, outputs)
            if shape.unet_attends[level]:
                attention(f"input_blocks.{block}.1", outputs)
            skips, block, width = [*skips, outputs], block + 1, outputs
        if level < len(channels) - 1:
            resnet(f"input_blocks.{block}.0", width, width)
            skips, block = [*skips, width], block + 1
    resnet("middle_block.0", width, width)
    attention("middle_block.1", width)
    resnet("middle_block.2", width, width)
    block = 0
    for level, outputs in reversed(list(enumerate(channels))):
        for place in range(shape.unet_resnets + 1):
            resnet(f"output_blocks.{block}.0", width + skips.pop(), outputs)
            width = outputs
            if shape.unet_attends[level]:
                attention(f"output_blocks.{block}.1", width)
            if level > 0 and place == shape.unet_resnets:
                resnet(f"output_blocks.{block}.{2 if shape.unet_attends[level] else 1}", width, width)
            block += 1
    unet.norm("out.0", width)
    unet.layer("out.2", 8, width, 3, 3)


def _unet(shape: OriginalShape, input_channels: int) -> Checkpoint:
    unet, time = Checkpoint(shape.dtype), 4 * shape.unet_channels[0]
    fill_unet(unet, shape, input_channels)
    unet.layer("clip_to_seq", shape.image_tokens * shape.context, shape.joint)
    unet.layer("to_model_dim_n", shape.context, shape.xlmr_width)
    unet.layer("proj_n", time, shape.joint)
    unet.norm("ln_model_n", time)
    unet.layer("img_layer", time, shape.joint)
    return unet


def _movq(shape: OriginalShape) -> Checkpoint:
    movq, channels = Checkpoint(torch.float32), shape.movq_channels

    def norm(here: str, width: int) -> None:
        if here.startswith("encoder"):
            movq.norm(here, width)
            return
        movq.norm(f"{here}.norm_layer", width)
        movq.layer(f"{here}.conv_y", width, 4, 1, 1)
        movq.layer(f"{here}.conv_b", width, 4, 1, 1)

    def resnet(here: str, inputs: int, outputs: int) -> None:
        norm(f"{here}.norm1", inputs)
        movq.layer(f"{here}.conv1", outputs, inputs, 3, 3)
        norm(f"{here}.norm2", outputs)
        movq.layer(f"{here}.conv2", outputs, outputs, 3, 3)
        if inputs != outputs:
            movq.layer(f"{here}.nin_shortcut", outputs, inputs, 1, 1)

    def attention(here: str, width: int) -> None:
        norm(f"{here}.norm", width)
        for name in ("q", "k", "v", "proj_out"):
            movq.layer(f"{here}.{name}", width, width, 1, 1)

    def middle(half: str, width: int) -> None:
        resnet(f"{half}.mid.block_1", width, width)
        attention(f"{half}.mid.attn_1", width)
        resnet(f"{half}.mid.block_2", width, width)

    last, width = len(channels) - 1, channels[0]
    movq.layer("encoder.conv_in", width, 3, 3, 3)
    for level, outputs in enumerate(channels):
        for place in range(shape.movq_resnets):
            resnet(f"encoder.down.{level}.block.{place}", width, outputs)
            width = outputs
            if level == last:
                attention(f"encoder.down.{level}.attn.{place}", width)
        if level < last:
            movq.layer(f"encoder.down.{level}.downsample.conv", width, width, 3, 3)
    middle("encoder", width)
    norm("encoder.norm_out", width)
    movq.layer("encoder.conv_out", 4, width, 3, 3)
    movq.layer("decoder.conv_in", width, 4, 3, 3)
    middle("decoder", width)
    for level, outputs in reversed(list(enumerate(channels))):
        for place in range(shape.movq_resnets + 1):
            resnet(f"decoder.up.{level}.block.{place}", width, outputs)
            width = outputs
            if level == last:
                attention(f"decoder.up.{level}.attn.{place}", width)
        if level > 0:
            movq.layer(f"decoder.up.{level}.upsample.conv", width, width, 3, 3)
    norm("decoder.norm_out", width)
    movq.layer("decoder.conv_out", 3, width, 3, 3)
    movq.table("quantize.embedding.weight", 32, 4)
    movq.layer("quant_conv", 4, 4, 1, 1)
    movq.layer("post_quant_conv", 4, 4, 1, 1)
    return movq


class XlmrOfShape(Protocol):
    @property
    def joint(self) -> int: ...
    @property
    def xlmr_width(self) -> int: ...
    @property
    def xlmr_layers(self) -> int: ...
    @property
    def xlmr_heads(self) -> int: ...
    @property
    def vocabulary(self) -> int: ...
    @property
    def dtype(self) -> torch.dtype: ...


def xlmr_encoder(shape: XlmrOfShape) -> tuple[Checkpoint, dict[str, Any]]:
    """With its configuration."""
    encoder, width = Checkpoint(shape.dtype), shape.xlmr_width
    words = "transformer.embeddings"
    encoder.table(f"{words}.word_embeddings.weight", shape.vocabulary, width)
    encoder.table(f"{words}.position_embeddings.weight", 90, width)
    encoder.table(f"{words}.token_type_embeddings.weight", 1, width)
    encoder.norm(f"{words}.LayerNorm", width)
    for index in range(shape.xlmr_layers):
        here = f"transformer.encoder.layer.{index}"
        for name in ("self.query", "self.key", "self.value", "output.dense"):
            encoder.layer(f"{here}.attention.{name}", width, width)
        encoder.norm(f"{here}.attention.output.LayerNorm", width)
        encoder.layer(f"{here}.intermediate.dense", 3 * width, width)
        encoder.layer(f"{here}.output.dense", width, 3 * width)
        encoder.norm(f"{here}.output.LayerNorm", width)
    encoder.layer("transformer.pooler.dense", width, width)
    encoder.layer("LinearTransformation", shape.joint, width)
    config = {
        "vocab_size": shape.vocabulary,
        "hidden_size": width,
        "num_hidden_layers": shape.xlmr_layers,
        "num_attention_heads": shape.xlmr_heads,
        "intermediate_size": 3 * width,
        "max_position_embeddings": 90,
        "type_vocab_size": 1,
        "pad_token_id": 1,
        "bos_token_id": 0,
        "eos_token_id": 2,
        "layer_norm_eps": 1e-5,
    }
    return encoder, config


def write_original_checkpoint(folder: Path, shape: OriginalShape, seed: int = 0) -> None:
    """Writes `2_1/`, `clip/` and a `config.json` with what no tensor shows."""
    torch.manual_seed(seed)
    weights = folder / "2_1"
    (weights / "text_encoder").mkdir(parents=True)
    (folder / "clip").mkdir()
    text_encoder, text_config = xlmr_encoder(shape)
    files = {
        folder / "clip" / "ViT-L-14.pt": _clip(shape),
        weights / "prior_fp16.ckpt": _prior(shape),
        weights / "decoder_fp16.ckpt": _unet(shape, 4),
        weights / "inpainting_fp16.ckpt": _unet(shape, 9),
        weights / "movq_final.ckpt": _movq(shape),
        weights / "text_encoder" / "pytorch_model.bin": text_encoder,
    }
    for path, checkpoint in files.items():
        torch.save(checkpoint.tensors, path)
    torch.save((torch.randn(shape.joint) * 0.1, torch.rand(shape.joint) + 0.5), weights / "ViT-L-14_stats.th")
    (weights / "text_encoder" / "config.json").write_text(json.dumps(text_config))
    config = {
        "clip": {"transformer_heads": shape.clip_heads},
        "prior": {"xf_heads": shape.prior_heads},
        "model_config": {"num_head_channels": shape.unet_head_width},
    }
    (folder / "config.json").write_text(json.dumps({"config": config}))
