"""MoVQ: the original's keys → diffusers' VQModel with spatial norm.

Source of the original layout: ai-forever/Kandinsky-2 `kandinsky2/vqgan/`. `loss.*` of a training checkpoint is left
out. Widths, depth and places of attention are read from the tensors.
"""

from __future__ import annotations

from diffusers import VQModel

from murnau_worker.models.state_dict import Tensors, copy_layers, count_blocks, empty_model, load_strictly

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


def convert_movq(source: Tensors) -> VQModel:
    """Builds MoVQ; latents are shrunk by 2 per level but the last."""
    levels = count_blocks(source, "encoder.down")
    attends = [f"encoder.down.{level}.attn.0.q.weight" in source for level in range(levels)]
    attends_up = [f"decoder.up.{level}.attn.0.q.weight" in source for level in reversed(range(levels))]
    vocabulary, code_width = source["quantize.embedding.weight"].shape
    with empty_model():
        model = VQModel(
            in_channels=source["encoder.conv_in.weight"].shape[1],
            out_channels=source["decoder.conv_out.weight"].shape[0],
            latent_channels=source["quant_conv.weight"].shape[1],
            block_out_channels=tuple(
                source[f"encoder.down.{level}.block.0.conv1.weight"].shape[0] for level in range(levels)
            ),
            down_block_types=tuple("AttnDownEncoderBlock2D" if here else "DownEncoderBlock2D" for here in attends),
            up_block_types=tuple("AttnUpDecoderBlock2D" if here else "UpDecoderBlock2D" for here in attends_up),
            layers_per_block=count_blocks(source, "encoder.down.0.block"),
            num_vq_embeddings=vocabulary,
            vq_embed_dim=code_width,
            norm_type="spatial",
        )
    target = _half(source, "encoder") | _half(source, "decoder")
    for level in range(levels):
        target |= _level(
            source, f"encoder.down.{level}", f"encoder.down_blocks.{level}", ("downsample", "downsamplers")
        )
        there = f"decoder.up_blocks.{levels - 1 - level}"
        target |= _level(source, f"decoder.up.{level}", there, ("upsample", "upsamplers"))
    target |= copy_layers(source, [(name, name) for name in ("quant_conv", "post_quant_conv")])
    target["quantize.embedding.weight"] = source["quantize.embedding.weight"]
    return load_strictly(model, target)
