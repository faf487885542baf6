"""Pictures to learn from: read, made square, encoded once with both flips.

Legend: n pictures, C latent channels, H/W latent cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import torch
from PIL import Image, ImageOps

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.pictures import open_picture, to_pixels
from murnau_worker.textual_inversion.named_picture import NamedPicture

Resize = Literal["squash", "crop", "bucket"]


@dataclass(frozen=True)
class LatentSet:
    """Latents of all pictures [n, 2, C, H, W], flipped ones second, and the pixels [n, 3, 8H, 8W] in -1..1.

    `fingerprint`: hash over the pictures' hashes in order and their preparation; evaluations are seeded by it.
    """

    latents_n2CHW: torch.Tensor
    pixels_n3HW: torch.Tensor
    fingerprint: str

    def __len__(self) -> int:
        return len(self.latents_n2CHW)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one picture's latents: (C, H, W)."""
        return tuple(self.latents_n2CHW.shape[2:])


def read_picture(picture: NamedPicture, size: int, resize: Resize, field: str = "images") -> torch.Tensor:
    """Reads a picture as [3, size, size] in -1..1: upright, sRGB, transparency on white, bicubic.

    Raises WorkerError `image.unreadable` or `image.too_large`.
    """
    image = open_picture(picture.content, name=picture.name, field=field)
    if resize == "crop":
        image = ImageOps.fit(image, (size, size), Image.Resampling.BICUBIC)
    else:
        image = image.resize((size, size), Image.Resampling.BICUBIC)
    return to_pixels(image)


def dataset_fingerprint(pictures: Sequence[NamedPicture], size: int, resize: Resize) -> str:
    """SHA-256 over the pictures' hashes in order and their preparation, hex."""
    text = "\n".join([f"{size} {resize}", *(picture.hash for picture in pictures)])
    return hashlib.sha256(text.encode()).hexdigest()


def encode_pictures(model: Kandinsky, pictures: Sequence[NamedPicture], resize: Resize) -> Iterator[LatentSet | None]:
    """Encodes pictures one by one; yields None after each and the whole set at the end.

    Every picture is read before the first is encoded, so that bad input is refused at once.
    """
    size = model.image_size
    pixels = [read_picture(picture, size, resize, f"images[{place}]") for place, picture in enumerate(pictures)]
    latents: list[torch.Tensor] = []
    for picture_3HW in pixels:
        both_23HW = torch.stack([picture_3HW, picture_3HW.flip(-1)])
        latents.append(model.encode_picture(both_23HW))
        yield None
    yield LatentSet(
        latents_n2CHW=torch.stack(latents).clone(),
        pixels_n3HW=torch.stack(pixels),
        fingerprint=dataset_fingerprint(pictures, size, resize),
    )
