"""The autoencoder: the original's keys → diffusers' AutoencoderKL."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from diffusers import AutoencoderKL

from murnau_worker.models.convert.latent_codec import codec_tensors, read_codec_shape
from murnau_worker.models.state_dict import Tensors, empty_model, load_strictly

_SCALE = 0.0512  # of the published model, where no configuration says otherwise


def convert_vae(source: Tensors, config: Mapping[str, object]) -> AutoencoderKL:
    """Builds the autoencoder. `config`: the original's of its picture encoder."""
    shape, scale = read_codec_shape(source), config.get("scale", _SCALE)
    assert isinstance(scale, float | int)
    kind: Any = AutoencoderKL  # it takes levels, but says that it takes one
    with empty_model():
        model: AutoencoderKL = kind(
            in_channels=shape.in_channels,
            out_channels=shape.out_channels,
            latent_channels=shape.latent_channels,
            block_out_channels=shape.channels,
            down_block_types=shape.down_blocks,
            up_block_types=shape.up_blocks,
            layers_per_block=shape.resnets_per_level,
            scaling_factor=float(scale),
        )
    return load_strictly(model, codec_tensors(source))
