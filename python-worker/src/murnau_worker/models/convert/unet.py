"""The originals' UNets: their keys → diffusers' UNet2DConditionModel, as far as families share them.

Source of the original layout: ai-forever/Kandinsky-2 `kandinsky2/model/unet.py`. Depth, widths and places of attention
are read from the tensors; only the width of an attention head comes from a configuration (the tensors do not show it).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from diffusers import UNet2DConditionModel

from murnau_worker.models.state_dict import Tensors, copy_layers, count_blocks, empty_model, split_interleaved

_HEAD_WIDTH = 64  # of the published models, where no configuration says otherwise
SAMPLE_SIZE = 64  # side of the latents that the published models were trained on; tensors do not show it

_RESNET_LAYERS = (
    ("in_layers.0", "norm1"),
    ("in_layers.2", "conv1"),
    ("emb_layers.1", "time_emb_proj"),
    ("out_layers.0", "norm2"),
    ("out_layers.3", "conv2"),
)
_OUTER_LAYERS = (
    ("time_embed.0", "time_embedding.linear_1"),
    ("time_embed.2", "time_embedding.linear_2"),
    ("input_blocks.0.0", "conv_in"),
    ("out.0", "conv_norm_out"),
    ("out.2", "conv_out"),
)


@dataclass(frozen=True)
class UnetShape:
    """What the tensors say: per level its channels and whether it attends, finest level first."""

    resnets_per_level: int
    channels: tuple[int, ...]
    attends: tuple[bool, ...]

    @property
    def levels(self) -> int:
        return len(self.channels)


def read_shape(source: Tensors) -> UnetShape:
    """Reads depth and widths: the first output block with an upsampling resnet ends the coarsest level."""
    outputs = count_blocks(source, "output_blocks")
    per_output_level = outputs
    for index in range(outputs):
        if any(f"output_blocks.{index}.{place}.in_layers.0.weight" in source for place in (1, 2)):
            per_output_level = index + 1
            break
    levels = outputs // per_output_level
    first = [1 + level * per_output_level for level in range(levels)]
    return UnetShape(
        resnets_per_level=per_output_level - 1,
        channels=tuple(source[f"input_blocks.{index}.0.out_layers.3.weight"].shape[0] for index in first),
        attends=tuple(f"input_blocks.{index}.1.qkv.weight" in source for index in first),
    )


def _resnet(source: Tensors, here: str, there: str) -> Tensors:
    target = copy_layers(source, [(f"{here}.{old}", f"{there}.{new}") for old, new in _RESNET_LAYERS])
    if f"{here}.skip_connection.weight" in source:
        target |= copy_layers(source, [(f"{here}.skip_connection", f"{there}.conv_shortcut")])
    return target


def _attention(source: Tensors, here: str, there: str, head_width: int) -> Tensors:
    """Maps an attention block; its qkv rows lie [head, part, width], the text's keys and values likewise."""
    target = copy_layers(source, [(f"{here}.norm", f"{there}.group_norm")])
    target |= copy_layers(source, [(f"{here}.proj_out", f"{there}.to_out.0")], flatten=True)
    for kind in ("weight", "bias"):
        own = source[f"{here}.qkv.{kind}"]
        text = source[f"{here}.encoder_kv.{kind}"]
        if kind == "weight":
            own, text = own.flatten(1), text.flatten(1)
        for name, part in zip(("to_q", "to_k", "to_v"), split_interleaved(own, 3, head_width), strict=True):
            target[f"{there}.{name}.{kind}"] = part
        for name, part in zip(("add_k_proj", "add_v_proj"), split_interleaved(text, 2, head_width), strict=True):
            target[f"{there}.{name}.{kind}"] = part
    return target


def _down_blocks(source: Tensors, shape: UnetShape, head_width: int) -> Tensors:
    target: Tensors = {}
    index = 1
    for level in range(shape.levels):
        for place in range(shape.resnets_per_level):
            target |= _resnet(source, f"input_blocks.{index}.0", f"down_blocks.{level}.resnets.{place}")
            if shape.attends[level]:
                there = f"down_blocks.{level}.attentions.{place}"
                target |= _attention(source, f"input_blocks.{index}.1", there, head_width)
            index += 1
        if level < shape.levels - 1:
            target |= _resnet(source, f"input_blocks.{index}.0", f"down_blocks.{level}.downsamplers.0")
            index += 1
    return target


def _up_blocks(source: Tensors, shape: UnetShape, head_width: int) -> Tensors:
    target: Tensors = {}
    index = 0
    for block, level in enumerate(reversed(range(shape.levels))):
        for place in range(shape.resnets_per_level + 1):
            target |= _resnet(source, f"output_blocks.{index}.0", f"up_blocks.{block}.resnets.{place}")
            if shape.attends[level]:
                there = f"up_blocks.{block}.attentions.{place}"
                target |= _attention(source, f"output_blocks.{index}.1", there, head_width)
            index += 1
        if level > 0:
            here = f"output_blocks.{index - 1}.{2 if shape.attends[level] else 1}"
            target |= _resnet(source, here, f"up_blocks.{block}.upsamplers.0")
    return target


def head_width(config: Mapping[str, object]) -> int:
    """Of an attention head, by the original's model configuration."""
    configured = config.get("num_head_channels")
    return configured if isinstance(configured, int) and configured > 0 else _HEAD_WIDTH


def empty_unet(source: Tensors, shape: UnetShape, head_width: int, **condition: Any) -> UNet2DConditionModel:
    """The UNet without tensors. `condition`: how it takes what it is conditioned on, as its class is told."""
    down = ["SimpleCrossAttnDownBlock2D" if attends else "ResnetDownsampleBlock2D" for attends in shape.attends]
    up = ["SimpleCrossAttnUpBlock2D" if attends else "ResnetUpsampleBlock2D" for attends in reversed(shape.attends)]
    with empty_model():
        return UNet2DConditionModel(
            sample_size=SAMPLE_SIZE,
            in_channels=source["input_blocks.0.0.weight"].shape[1],
            out_channels=source["out.2.weight"].shape[0],
            block_out_channels=shape.channels,
            layers_per_block=shape.resnets_per_level,
            down_block_types=tuple(down),
            mid_block_type="UNetMidBlock2DSimpleCrossAttn",
            up_block_types=tuple(up),
            attention_head_dim=head_width,
            resnet_time_scale_shift="scale_shift",
            norm_eps=1e-5,
            **condition,
        )


def unet_tensors(source: Tensors, shape: UnetShape, head_width: int) -> Tensors:
    """All but those of the condition."""
    target = copy_layers(source, _OUTER_LAYERS)
    target |= _down_blocks(source, shape, head_width)
    target |= _resnet(source, "middle_block.0", "mid_block.resnets.0")
    target |= _attention(source, "middle_block.1", "mid_block.attentions.0", head_width)
    target |= _resnet(source, "middle_block.2", "mid_block.resnets.1")
    return target | _up_blocks(source, shape, head_width)
