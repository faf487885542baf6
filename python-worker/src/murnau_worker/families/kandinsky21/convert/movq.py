"""MoVQ: the original's keys → diffusers' VQModel with spatial norm."""

from __future__ import annotations

from diffusers import VQModel

from murnau_worker.models.convert.latent_codec import codec_tensors, read_codec_shape
from murnau_worker.models.state_dict import Tensors, empty_model, load_strictly


def convert_movq(source: Tensors) -> VQModel:
    """Builds MoVQ."""
    shape = read_codec_shape(source)
    vocabulary, code_width = source["quantize.embedding.weight"].shape
    with empty_model():
        model = VQModel(
            in_channels=shape.in_channels,
            out_channels=shape.out_channels,
            latent_channels=source["quant_conv.weight"].shape[1],
            block_out_channels=shape.channels,
            down_block_types=shape.down_blocks,
            up_block_types=shape.up_blocks,
            layers_per_block=shape.resnets_per_level,
            num_vq_embeddings=vocabulary,
            vq_embed_dim=code_width,
            norm_type="spatial",
        )
    target = codec_tensors(source)
    target["quantize.embedding.weight"] = source["quantize.embedding.weight"]
    return load_strictly(model, target)
