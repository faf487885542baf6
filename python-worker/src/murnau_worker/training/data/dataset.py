"""Pictures to learn from: read, brought to size, encoded once with both flips.

Legend: n pictures, m pictures of one bucket, C latent channels, H/W pixels or latent cells.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
import torch.nn.functional as F
from PIL import Image

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.named_picture import NamedPicture, mask_missing
from murnau_worker.core.pictures import open_picture, to_pixels
from murnau_worker.families.family import FamilyModel
from murnau_worker.training.data.aspect_buckets import Resize, Size, brought_to, nearest_size, sizes_for
from murnau_worker.training.data.loss_masks import LossMask, all_black, on_cells, read_mask


@dataclass(frozen=True)
class Bucket:
    """The pictures of one size: their places in the dataset, latents [m, 2, C, H, W] (flipped ones second), and masks
    [m, 2, H, W] in 0..1, None where the whole of every picture counts.
    """

    places: tuple[int, ...]
    latents_m2CHW: torch.Tensor
    masks_m2HW: torch.Tensor | None

    def __len__(self) -> int:
        return len(self.places)

    @property
    def shape(self) -> tuple[int, ...]:
        """Of one picture's latents: (C, H, W)."""
        return tuple(self.latents_m2CHW.shape[2:])


@dataclass(frozen=True)
class LatentSet:
    """A dataset as a model sees it: its pictures by bucket, and by place their pixels [3, H, W] in -1..1 and captions.

    `fingerprint` covers all that a run learns from; `eval_seed` only the pictures and their size, so that runs with
    and without masks are evaluated on the same draws. They are equal for a dataset without masks and captions.
    """

    buckets: tuple[Bucket, ...]
    pixels: tuple[torch.Tensor, ...]
    captions: tuple[str, ...]
    fingerprint: str
    eval_seed: str

    def __len__(self) -> int:
        return len(self.pixels)

    @cached_property
    def pixels_n3HW(self) -> torch.Tensor:
        """All pictures, for what looks at them together; of several sizes, their centred squares at the least side."""
        if len({picture.shape for picture in self.pixels}) == 1:
            return torch.stack(self.pixels)
        side = min(min(picture.shape[-2:]) for picture in self.pixels)
        squares = [center_crop(picture[None], min(picture.shape[-2:])) for picture in self.pixels]
        return torch.cat([F.interpolate(one, (side, side), mode="bicubic", antialias=True) for one in squares])

    @cached_property
    def bucket_of(self) -> tuple[tuple[int, int], ...]:
        """For each picture of the dataset its bucket's number and its place there."""
        found = {place: (number, at) for number, of in enumerate(self.buckets) for at, place in enumerate(of.places)}
        return tuple(found[place] for place in range(len(self)))

    def latent(self, place: int, flipped: int = 0) -> torch.Tensor:
        """One picture's latent [C, H, W]."""
        number, at = self.bucket_of[place]
        return self.buckets[number].latents_m2CHW[at, flipped]

    def mask(self, place: int, flipped: int = 0) -> torch.Tensor | None:
        """One picture's mask [H, W]; None where no picture of the dataset has one."""
        number, at = self.bucket_of[place]
        masks_m2HW = self.buckets[number].masks_m2HW
        return None if masks_m2HW is None else masks_m2HW[at, flipped]


@dataclass(frozen=True)
class Prepared:
    """A picture read and brought to its size: pixels [3, H, W] in -1..1, and its mask in grey levels, if it has one."""

    pixels_3HW: torch.Tensor
    mask: Image.Image | None


def center_crop(pictures_NCHW: torch.Tensor, side: int) -> torch.Tensor:
    """The centred square of a side in pixels."""
    top, left = ((length - side) // 2 for length in pictures_NCHW.shape[-2:])
    return pictures_NCHW[..., top : top + side, left : left + side]


def read_picture(
    picture: NamedPicture,
    sizes: tuple[Size, ...],
    resize: Resize,
    field: str = "images",
    loss_mask: LossMask = "none",
) -> Prepared:
    """Reads a picture: upright, sRGB, transparency on white, bicubic, at the size of the nearest proportions.

    Raises WorkerError `image.unreadable`, `image.too_large`, `mask.wrong_size` or `mask.all_black`.
    """
    image = open_picture(picture.content, name=picture.name, field=field)
    mask = read_mask(picture, image.size, loss_mask, field)
    sized = brought_to(image, nearest_size(image.size, sizes), resize, Image.Resampling.BICUBIC)
    return Prepared(to_pixels(sized), mask)


def picture_fingerprint(pictures: Sequence[NamedPicture], size: int, resize: Resize) -> str:
    """SHA-256 over the pictures' hashes in order and their preparation, hex."""
    return _sha256([f"{size} {resize}", *(picture.hash for picture in pictures)])


def dataset_fingerprint(
    pictures: Sequence[NamedPicture],
    size: int,
    resize: Resize,
    loss_mask: LossMask = "none",
    *,
    reads_captions: bool = False,
) -> str:
    """SHA-256 over all that a run learns from, hex: the pictures', and masks and captions where they are used."""
    used: list[str] = []
    if loss_mask != "none":
        used += [f"loss_mask {loss_mask}", *(picture.mask_hash for picture in pictures if loss_mask == "file")]
    if reads_captions:
        used += ["captions", *(picture.caption for picture in pictures)]
    plain = picture_fingerprint(pictures, size, resize)
    return _sha256([plain, *used]) if used else plain


def _sha256(lines: Sequence[str]) -> str:
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def encode_pictures(
    model: FamilyModel,
    pictures: Sequence[NamedPicture],
    resize: Resize,
    loss_mask: LossMask = "none",
    *,
    reads_captions: bool = False,
) -> Iterator[LatentSet | None]:
    """Encodes pictures one by one; yields None after each and the whole set at the end.

    Every picture and mask is read before the first is encoded, so that bad input is refused at once, all of it named.
    Raises WorkerError as `read_picture`, and `mask.missing` where masks are asked for and no picture has one.
    """
    read = _read_all(pictures, sizes_for(model, resize), resize, loss_mask)
    latents: list[torch.Tensor] = []
    for prepared in read:
        both_23HW = torch.stack([prepared.pixels_3HW, prepared.pixels_3HW.flip(-1)])
        latents.append(model.encode_picture(both_23HW))
        yield None
    masks = None if loss_mask == "none" else _on_latents(pictures, read, latents, resize)
    yield LatentSet(
        buckets=_in_buckets(latents, masks),
        pixels=tuple(prepared.pixels_3HW for prepared in read),
        captions=tuple(picture.caption for picture in pictures) if reads_captions else (),
        fingerprint=dataset_fingerprint(pictures, model.image_size, resize, loss_mask, reads_captions=reads_captions),
        eval_seed=picture_fingerprint(pictures, model.image_size, resize),
    )


def _read_all(
    pictures: Sequence[NamedPicture], sizes: tuple[Size, ...], resize: Resize, loss_mask: LossMask
) -> list[Prepared]:
    read: list[Prepared] = []
    refusals: list[WorkerError] = []
    for place, picture in enumerate(pictures):
        try:
            read.append(read_picture(picture, sizes, resize, f"images[{place}]", loss_mask))
        except WorkerError as error:
            refusals.append(error)
    if refusals:
        raise _together(refusals)
    if loss_mask != "none" and all(prepared.mask is None for prepared in read):
        raise mask_missing(loss_mask)
    return read


def _together(refusals: Sequence[WorkerError]) -> WorkerError:
    """One refusal that names every bad picture."""
    first = refusals[0]
    if len(refusals) == 1:
        return first
    message = f"{len(refusals)} pictures cannot be used: {'; '.join(error.message for error in refusals)}"
    given = ", ".join(error.given for error in refusals)
    return WorkerError(first.code, message, field=first.field, given=given, allowed=first.allowed)


def _on_latents(
    pictures: Sequence[NamedPicture], read: Sequence[Prepared], latents: Sequence[torch.Tensor], resize: Resize
) -> list[torch.Tensor]:
    """Each picture's mask and its flip [2, H, W] on the cells of its latents. Raises WorkerError `mask.all_black`."""
    masks: list[torch.Tensor] = []
    for place, (picture, prepared, latents_2CHW) in enumerate(zip(pictures, read, latents, strict=True)):
        height, width = latents_2CHW.shape[-2:]
        mask_HW = on_cells(prepared.mask, (width, height), resize)
        if not bool(mask_HW.any()):
            raise all_black(picture, f"loses the white part of its mask by resize {resize}", f"images[{place}]")
        masks.append(torch.stack([mask_HW, mask_HW.flip(-1)]).to(latents_2CHW.device))
    return masks


def _in_buckets(latents: Sequence[torch.Tensor], masks: Sequence[torch.Tensor] | None) -> tuple[Bucket, ...]:
    """Pictures by the shape of their latents, in order of their first picture."""
    places: dict[torch.Size, list[int]] = {}
    for place, latents_2CHW in enumerate(latents):
        places.setdefault(latents_2CHW.shape, []).append(place)
    return tuple(
        Bucket(
            places=tuple(of),
            latents_m2CHW=torch.stack([latents[place] for place in of]).clone(),
            masks_m2HW=None if masks is None else torch.stack([masks[place] for place in of]).clone(),
        )
        for of in places.values()
    )
