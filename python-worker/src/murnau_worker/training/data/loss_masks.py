"""Masks of pictures to learn from, as weights of a loss on the latents' cells.

Legend: n pictures, C latent channels, H/W latent cells.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from PIL import Image

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.named_picture import NamedPicture
from murnau_worker.core.pictures import open_alpha, open_picture
from murnau_worker.training.data.aspect_buckets import Resize, Size, brought_to

LossMask = Literal["none", "alpha", "file"]


def read_mask(picture: NamedPicture, picture_size: Size, loss_mask: LossMask, field: str) -> Image.Image | None:
    """A picture's mask in grey levels, upright; None where it has none and all of it counts.

    Raises WorkerError `image.unreadable`, `mask.wrong_size` or `mask.all_black`, naming the picture.
    """
    if loss_mask == "alpha":
        mask = open_alpha(picture.content, name=picture.name, field=field)
    elif loss_mask == "file" and picture.mask is not None:
        name = f"the mask of {picture.name}"
        mask = open_picture(picture.mask, name=name, field=field, ground="black").convert("L")
        _check_proportions(mask, picture, picture_size, field)
    else:
        return None
    if mask is not None and not mask.getbbox():
        what = "is wholly transparent" if loss_mask == "alpha" else "has a mask that is black all over"
        raise all_black(picture, what, field)
    return mask


def all_black(picture: NamedPicture, what: str, field: str) -> WorkerError:
    return WorkerError(
        "mask.all_black",
        f'"{picture.name}" {what}: nothing of it would count',
        field=field,
        given=picture.name,
        allowed="white, or opaque, where the loss is to look",
    )


def _check_proportions(mask: Image.Image, picture: NamedPicture, size: Size, field: str) -> None:
    """A mask may be smaller or larger than its picture; a side may be a pixel off, as rounding leaves it."""
    (wide, high), (width, height) = size, mask.size
    if abs(width - wide * height / high) <= 1 or abs(height - high * width / wide) <= 1:
        return
    raise WorkerError(
        "mask.wrong_size",
        f'the mask of "{picture.name}" has {width}×{height} pixels: other proportions than the picture, {wide}×{high}',
        field=field,
        given=f"{width}×{height}",
        allowed=f"the proportions of {wide}×{high}",
    )


def on_cells(mask: Image.Image | None, cells: Size, resize: Resize) -> torch.Tensor:
    """A mask by area on the latents' cells [H, W] in 0..1, cut as its picture is; without one all ones."""
    if mask is None:
        return torch.ones(cells[1], cells[0])
    scaled = brought_to(mask.convert("F"), cells, resize, Image.Resampling.BOX)
    return torch.from_numpy(np.array(scaled, dtype=np.float32) / 255.0).clamp(0, 1)


def loss_weights(mask_HW: torch.Tensor, floor: float) -> torch.Tensor:
    """Weight of each cell's squared error: 1 where the mask is white, the floor where it is black."""
    return floor + (1.0 - floor) * mask_HW
