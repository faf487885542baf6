"""Fusing texts and pictures: the decoder draws a weighted sum of their image embeddings, with an empty text.

Legend: N pictures, E joint width.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from PIL import Image

from murnau_worker.core.progress import Progress
from murnau_worker.core.turns import Turns
from murnau_worker.drawing.latents import latent_shape
from murnau_worker.drawing.request import DrawRequest, Sketch
from murnau_worker.families.family import FamilyModel


@dataclass(frozen=True)
class FuseItem:
    """A text or a picture, and the factor of its embedding."""

    content: str | Image.Image
    weight: float


@dataclass(frozen=True)
class Fuse:
    """The weights are taken as they are, not scaled to a sum of 1: so does the original."""

    items: tuple[FuseItem, ...]

    name: ClassVar[str] = "fuse"

    @property
    def texts(self) -> tuple[str, ...]:
        return tuple(item.content for item in self.items if isinstance(item.content, str))

    @property
    def own_size(self) -> None:
        return None

    def sketch(self, model: FamilyModel, request: DrawRequest) -> Turns[Sketch]:
        count = len(request.seeds)
        sum_NE = torch.zeros(count, model.embedding_width, device=model.device)
        for number, item in enumerate(self.items):
            if isinstance(item.content, str):
                embedding_NE = yield from model.text_embeddings(request.prompted, [item.content] * count, number)
            else:
                yield Progress(model.description.conditioner)
                embedding_NE = model.embed_picture(item.content)
            sum_NE = sum_NE + item.weight * embedding_NE
        wanted = model.condition_on_embeddings(request.prompted, sum_NE)
        unwanted = yield from model.unconditional(request.prompted)
        shape = latent_shape(model, request.options)
        return Sketch(
            denoiser=partial(model.denoiser, self.name),
            wanted=wanted,
            unwanted=unwanted,
            start=lambda place: request.noise.start(place, shape),
        )
