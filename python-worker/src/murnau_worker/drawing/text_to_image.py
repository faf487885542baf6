"""Text to picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from murnau_worker.core.turns import Turns
from murnau_worker.drawing.conditions import prompted_condition, unwanted_condition
from murnau_worker.drawing.latents import latent_shape
from murnau_worker.drawing.request import DrawRequest, Sketch, TaskTexts
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.parts import DrawingTaskName


@dataclass(frozen=True)
class TextToImage:
    """`prompts`: one for each picture."""

    prompts: tuple[str, ...]

    name: ClassVar[DrawingTaskName] = "text2img"

    @property
    def texts(self) -> TaskTexts:
        return TaskTexts(both=self.prompts)

    @property
    def own_size(self) -> None:
        return None

    def sketch(self, model: Kandinsky, request: DrawRequest) -> Turns[Sketch]:
        wanted = yield from prompted_condition(model, request, self.prompts)
        unwanted = yield from unwanted_condition(model, request, request.options.negative_decoder_prompt)
        shape = latent_shape(model, request.options)
        return Sketch(
            unet=lambda: model.unet,
            wanted=wanted,
            unwanted=unwanted,
            start=lambda place: request.noise.start(request.seeds[place], shape),
        )
