"""What both layouts say alike."""

from __future__ import annotations

import math

_SIDE = 64  # pixels that sides of pictures are rounded up to, as in the original


def latent_multiple(latent_factor: int, unet_levels: int) -> int:
    """What the sides of latents are multiples of: of the original's pixels, and of what the UNet halves evenly."""
    return math.lcm(max(1, _SIDE // latent_factor), 2 ** (unet_levels - 1))
