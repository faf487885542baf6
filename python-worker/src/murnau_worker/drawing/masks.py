"""Masks of inpainting: 1 keeps, 0 repaints. Legend: H/W pixels or latent cells."""

from __future__ import annotations

import torch
import torch.nn.functional as F

from murnau_worker.core.picture_noise import Shape
from murnau_worker.drawing.latents import padded_to
from murnau_worker.drawing.options import DrawOptions

# Where a repainted cell also repaints, in (row, column): the original forgets two of the eight neighbours.
_GROWS_TO = ((-1, 0), (0, -1), (-1, -1), (1, 0), (0, 1), (1, 1))


def grown(mask_11HW: torch.Tensor) -> torch.Tensor:
    """Lets the repainted part of a mask grow by one cell, to exactly the original's neighbours (`prepare_mask`)."""
    height, width = mask_11HW.shape[-2:]
    repaints = F.pad((mask_11HW != 1).float(), (1, 1, 1, 1))
    shifted = [repaints[..., 1 - down : 1 - down + height, 1 - right : 1 - right + width] for down, right in _GROWS_TO]
    return torch.where(torch.stack(shifted).amax(0) > 0, 0.0, mask_11HW)


def latent_mask(mask_HW: torch.Tensor, options: DrawOptions, shape: Shape, factor: int) -> torch.Tensor:
    """A picture's mask on its latents, [1, 1, H, W], not yet grown: nearest, as in the original."""
    scaled = F.interpolate(mask_HW[None, None], (options.height, options.width), mode="nearest")
    padded = padded_to(scaled, shape[1] * factor, shape[2] * factor)
    return padded[..., ::factor, ::factor]
