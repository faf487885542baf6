"""Aspect buckets: the few sizes that pictures of any proportions are brought to, all of about the model's area."""

from __future__ import annotations

import math
from typing import Literal

from PIL import Image, ImageOps

from murnau_worker.families.family import FamilyModel

Resize = Literal["squash", "crop", "bucket"]
Size = tuple[int, int]  # width and height in pixels

# Width by height of common pictures; each also upright.
_ASPECTS = (1.0, 5 / 4, 4 / 3, 3 / 2, 16 / 9, 2.0)


def bucket_sizes(image_size: int, multiple: int) -> tuple[Size, ...]:
    """The buckets of a model whose pictures have `image_size`² pixels, the square first, then from wide to tall.

    `multiple`: what both sides are multiples of, in pixels. Proportions that come to the same size are one bucket.
    """
    sizes = [(image_size, image_size)]
    for aspect in _ASPECTS[1:]:
        long = max(round(image_size * math.sqrt(aspect) / multiple), 1) * multiple
        short = max(round(image_size / math.sqrt(aspect) / multiple), 1) * multiple
        sizes += [(long, short), (short, long)]
    return tuple(sorted(dict.fromkeys(sizes), key=lambda size: (size[0] != size[1], size[1] / size[0])))


def sizes_for(model: FamilyModel, resize: Resize) -> tuple[Size, ...]:
    """The sizes that a model's pictures may be brought to; one where they all become square."""
    side = model.image_size
    if resize != "bucket":
        return ((side, side),)
    return bucket_sizes(side, model.latent_factor * model.latent_multiple)


def nearest_size(size: Size, sizes: tuple[Size, ...]) -> Size:
    """The bucket of the nearest proportions, on a logarithmic scale; of equals, the first."""
    aspect = math.log(size[0] / size[1])
    return min(sizes, key=lambda bucket: abs(math.log(bucket[0] / bucket[1]) - aspect))


def brought_to(image: Image.Image, size: Size, resize: Resize, resample: Image.Resampling) -> Image.Image:
    """A picture or its mask at a size: squashed, or scaled until it covers the size and cut about its centre."""
    if resize == "squash":
        return image.resize(size, resample)
    return ImageOps.fit(image, size, resample)
