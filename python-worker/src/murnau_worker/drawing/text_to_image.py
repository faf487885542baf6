"""Text to picture."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from murnau_worker.core.turns import Turns
from murnau_worker.drawing.latents import latent_shape
from murnau_worker.drawing.request import DrawRequest, Sketch
from murnau_worker.families.family import FamilyModel


@dataclass(frozen=True)
class TextToImage:
    """`prompts`: one for each picture."""

    prompts: tuple[str, ...]

    name: ClassVar[str] = "text2img"

    @property
    def texts(self) -> tuple[str, ...]:
        return self.prompts

    @property
    def own_size(self) -> None:
        return None

    def sketch(self, model: FamilyModel, request: DrawRequest) -> Turns[Sketch]:
        wanted = yield from model.condition(request.prompted, self.prompts)
        unwanted = yield from model.unconditional(request.prompted)
        shape = latent_shape(model, request.options)
        return Sketch(
            denoiser=partial(model.denoiser, self.name),
            wanted=wanted,
            unwanted=unwanted,
            start=lambda place: request.noise.start(place, shape),
        )
