"""Fusing texts and pictures: the decoder draws a weighted sum of their image embeddings, with an empty text.

Legend: N pictures, E joint width.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from PIL import Image

from murnau_worker.core.progress import Progress
from murnau_worker.core.turns import Turns
from murnau_worker.drawing.clip_pixels import clip_pixels
from murnau_worker.drawing.conditions import decoder_text, sampled_embeddings, unwanted_condition
from murnau_worker.drawing.latents import latent_shape
from murnau_worker.drawing.request import DrawRequest, Sketch, TaskTexts
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.parts import DrawingTaskName
from murnau_worker.sampling.decoder import DecoderCondition


@dataclass(frozen=True)
class FuseItem:
    """A text or a picture, and the factor of its embedding."""

    content: str | Image.Image
    weight: float


@dataclass(frozen=True)
class Fuse:
    """The weights are taken as they are, not scaled to a sum of 1: so does the original."""

    items: tuple[FuseItem, ...]

    name: ClassVar[DrawingTaskName] = "fuse"

    @property
    def texts(self) -> TaskTexts:
        return TaskTexts(prior_only=tuple(item.content for item in self.items if isinstance(item.content, str)))

    @property
    def own_size(self) -> None:
        return None

    def sketch(self, model: Kandinsky, request: DrawRequest) -> Turns[Sketch]:
        count = len(request.seeds)
        sum_NE = torch.zeros(count, model.prior.embedding_width, device=model.device)
        for number, item in enumerate(self.items):
            if isinstance(item.content, str):
                embedding_NE = yield from sampled_embeddings(model, request, [item.content] * count, number)
            else:
                yield Progress("prior")
                embedding_NE = picture_embedding(model, item.content)
            sum_NE = sum_NE + item.weight * embedding_NE
        text = decoder_text(model, request.reader, [""] * count)
        unwanted = yield from unwanted_condition(model, request, request.options.negative_decoder_prompt)
        shape = latent_shape(model, request.options)
        return Sketch(
            unet=lambda: model.unet,
            wanted=DecoderCondition(text.context_BPD, text.pooled_BE, sum_NE),
            unwanted=unwanted,
            start=lambda place: request.noise.start(request.seeds[place], shape),
        )


def picture_embedding(model: Kandinsky, picture: Image.Image) -> torch.Tensor:
    """CLIP's embedding [1, E] of a picture, in fp32."""
    side = int(model.clip_image.config.image_size)
    return model.embed_pictures(clip_pixels(picture, side, model.clip_normalisation))
