"""A model's embeddings of a dataset's pictures, computed when a run first asks for them.

Legend: n pictures, E width of an image embedding.
"""

from __future__ import annotations

from functools import cached_property

import torch

from murnau_worker.core.pictures import to_image
from murnau_worker.families.family import FamilyModel
from murnau_worker.training.data.dataset import LatentSet


class ImageEmbeddings:
    """Of both flips of every picture, as it is trained on."""

    def __init__(self, model: FamilyModel, latents: LatentSet) -> None:
        self._model = model
        self._latents = latents

    @cached_property
    def images_n2E(self) -> torch.Tensor:
        """Embeddings [n, 2, E] on the CPU, flipped ones second, each computed alone."""
        found: list[torch.Tensor] = []
        for picture_3HW in self._latents.pixels:
            both = (to_image(picture_3HW), to_image(picture_3HW.flip(-1)))
            found.append(torch.cat([self._model.embed_picture(picture) for picture in both]))
        return torch.stack(found).cpu()
