"""Encoder and decoder of latents (VQGAN's kind): the original's keys → diffusers'.

Source of the original layout: ai-forever/Kandinsky-2 `kandinsky2/vqgan/`. `loss.*` of a training checkpoint is left
out. Widths, depth and places of attention are read from the tensors.
"""

from __future__ import annotations

from dataclasses import dataclass

from murnau_worker.models.state_dict import Tensors, copy_layers, count_blocks

_NORM_PARTS = ("norm_layer", "conv_y", "conv_b")


def _norm(source: Tensors, here: str, there: str) -> Tensors:
    """A plain group norm (encoder), or a spatial norm of three layers (decoder)."""
    if f"{here}.weight" in source:
        return copy_layers(source, [(here, there)])
    return copy_layers(source, [(f"{here}.{part}", f"{there}.{part}") for part in _NORM_PARTS])


def _resnet(source: Tensors, here: str, there: str) -> Tensors:
    target = copy_layers(source, [(f"{here}.{name}", f"{there}.{name}") for name in ("conv1", "conv2")])
    target |= _norm(source, f"{here}.norm1", f"{there}.norm1") | _norm(source, f"{here}.norm2", f"{there}.norm2")
    if f"{here}.nin_shortcut.weight" in source:
        target |= copy_layers(source, [(f"{here}.nin_shortcut", f"{there}.conv_shortcut")])
    return target


def _attention(source: Tensors, here: str, there: str) -> Tensors:
    norm = "group_norm" if f"{here}.norm.weight" in source else "spatial_norm"
    pairs = [("q", "to_q"), ("k", "to_k"), ("v", "to_v"), ("proj_out", "to_out.0")]
    target = copy_layers(source, [(f"{here}.{old}", f"{there}.{new}") for old, new in pairs], flatten=True)
    return target | _norm(source, f"{here}.norm", f"{there}.{norm}")


def _level(source: Tensors, here: str, there: str, sampler: tuple[str, str]) -> Tensors:
    target: Tensors = {}
    for index in range(count_blocks(source, f"{here}.block")):
        target |= _resnet(source, f"{here}.block.{index}", f"{there}.resnets.{index}")
    for index in range(count_blocks(source, f"{here}.attn")):
        target |= _attention(source, f"{here}.attn.{index}", f"{there}.attentions.{index}")
    if f"{here}.{sampler[0]}.conv.weight" in source:
        target |= copy_layers(source, [(f"{here}.{sampler[0]}.conv", f"{there}.{sampler[1]}.0.conv")])
    return target


def _half(source: Tensors, half: str) -> Tensors:
    """Encoder or decoder: ends and middle, which both have."""
    target = copy_layers(source, [(f"{half}.{name}", f"{half}.{name}") for name in ("conv_in", "conv_out")])
    target |= _norm(source, f"{half}.norm_out", f"{half}.conv_norm_out")
    target |= _resnet(source, f"{half}.mid.block_1", f"{half}.mid_block.resnets.0")
    target |= _resnet(source, f"{half}.mid.block_2", f"{half}.mid_block.resnets.1")
    return target | _attention(source, f"{half}.mid.attn_1", f"{half}.mid_block.attentions.0")


@dataclass(frozen=True)
class CodecShape:
    """What the tensors say: per level its channels, finest first, and diffusers' blocks in the order of computing.

    `latent_channels`: of what the decoder is given.
    """

    in_channels: int
    out_channels: int
    latent_channels: int
    channels: tuple[int, ...]
    down_blocks: tuple[str, ...]
    up_blocks: tuple[str, ...]
    resnets_per_level: int


def codec_levels(source: Tensors) -> int:
    """Latents are shrunk by 2 per level but the last."""
    return count_blocks(source, "encoder.down")


def read_codec_shape(source: Tensors) -> CodecShape:
    levels = codec_levels(source)
    attends = [f"encoder.down.{level}.attn.0.q.weight" in source for level in range(levels)]
    attends_up = [f"decoder.up.{level}.attn.0.q.weight" in source for level in reversed(range(levels))]
    return CodecShape(
        in_channels=source["encoder.conv_in.weight"].shape[1],
        out_channels=source["decoder.conv_out.weight"].shape[0],
        latent_channels=source["decoder.conv_in.weight"].shape[1],
        channels=tuple(source[f"encoder.down.{level}.block.0.conv1.weight"].shape[0] for level in range(levels)),
        down_blocks=tuple("AttnDownEncoderBlock2D" if here else "DownEncoderBlock2D" for here in attends),
        up_blocks=tuple("AttnUpDecoderBlock2D" if here else "UpDecoderBlock2D" for here in attends_up),
        resnets_per_level=count_blocks(source, "encoder.down.0.block"),
    )


def codec_tensors(source: Tensors) -> Tensors:
    """Of encoder and decoder, and of the convolutions between them."""
    levels = codec_levels(source)
    target = _half(source, "encoder") | _half(source, "decoder")
    for level in range(levels):
        target |= _level(
            source, f"encoder.down.{level}", f"encoder.down_blocks.{level}", ("downsample", "downsamplers")
        )
        there = f"decoder.up_blocks.{levels - 1 - level}"
        target |= _level(source, f"decoder.up.{level}", there, ("upsample", "upsamplers"))
    return target | copy_layers(source, [(name, name) for name in ("quant_conv", "post_quant_conv")])
