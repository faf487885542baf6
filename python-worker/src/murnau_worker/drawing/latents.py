"""Between pixels and latents: sizes, encoding of the picture drawn upon, and its noising.

Legend: C latent channels, H/W latent cells or pixels.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from PIL import Image

from murnau_worker.core.picture_noise import Shape
from murnau_worker.core.pictures import to_pixels
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.drawing.request import DrawRequest
from murnau_worker.families.family import FamilyModel
from murnau_worker.sampling.tables import Process


def latent_shape(model: FamilyModel, options: DrawOptions) -> Shape:
    """Latents [C, H, W] of a picture, each side rounded up to what the UNet halves evenly (the original: 64 pixels)."""
    multiple = model.latent_multiple

    def cells(pixels: int) -> int:
        return -(-pixels // (model.latent_factor * multiple)) * multiple

    return model.latent_channels, cells(options.height), cells(options.width)


def padded_to(pixels_NCHW: torch.Tensor, height: int, width: int) -> torch.Tensor:
    """Repeats the last row and column up to a size: what lies there is cropped from the finished picture."""
    padding = (0, width - pixels_NCHW.shape[-1], 0, height - pixels_NCHW.shape[-2])
    return F.pad(pixels_NCHW, padding, mode="replicate")


def scaled_pixels(picture: Image.Image, width: int, height: int) -> torch.Tensor:
    """A picture in -1..1 scaled to a size (bicubic, as the originals): [1, 3, H, W]."""
    return to_pixels(picture.resize((width, height), Image.Resampling.BICUBIC, reducing_gap=1))[None]


def encoded(model: FamilyModel, picture: Image.Image, shape: Shape, request: DrawRequest) -> torch.Tensor:
    """Latents [1 or N, C, H, W] in fp32 of a picture scaled to the wanted size."""
    if request.hooks.picture_latents is not None:
        return request.hooks.picture_latents
    options = request.options
    factor, pixels_1CHW = model.latent_factor, scaled_pixels(picture, options.width, options.height)
    pixels_1CHW = padded_to(pixels_1CHW, shape[1] * factor, shape[2] * factor)
    return model.drawn_upon(request.prompted, pixels_1CHW)


def renoised(
    process: Process, latents_NCHW: torch.Tensor, place: int, noise_CHW: torch.Tensor, timestep: int
) -> torch.Tensor:
    """The latents [C, H, W] that a picture starts from, noised up to a timestep (Ho et al. 2020, eq. 4)."""
    alpha_bar = float(process.alpha_bar[timestep])
    own_CHW = latents_NCHW[place if len(latents_NCHW) > 1 else 0]
    return math.sqrt(alpha_bar) * own_CHW + math.sqrt(1.0 - alpha_bar) * noise_CHW.to(own_CHW.device)
