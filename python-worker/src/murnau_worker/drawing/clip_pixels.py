"""CLIP's preparation of a picture. Source: openai/CLIP `clip.py`, `_transform`. Legend: H/W pixels."""

from __future__ import annotations

import torch
from PIL import Image

from murnau_worker.core.pictures import to_pixels
from murnau_worker.models.clip_normalisation import ClipNormalisation


def clip_pixels(picture: Image.Image, side: int, normalisation: ClipNormalisation) -> torch.Tensor:
    """The shortest side scaled to `side` (bicubic), the centred square, normalised: [1, 3, side, side]."""
    width, height = picture.size
    shortest = min(width, height)
    scaled = picture.resize((side * width // shortest, side * height // shortest), Image.Resampling.BICUBIC)
    left, top = round((scaled.width - side) / 2), round((scaled.height - side) / 2)
    pixels_3HW = to_pixels(scaled.crop((left, top, left + side, top + side)))
    mean_311 = torch.tensor(normalisation.mean)[:, None, None]
    deviation_311 = torch.tensor(normalisation.deviation)[:, None, None]
    return (((pixels_3HW + 1) / 2 - mean_311) / deviation_311)[None]
