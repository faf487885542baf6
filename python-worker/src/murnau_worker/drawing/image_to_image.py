"""Picture to picture: the decoder goes on from a noised picture instead of from noise."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from PIL import Image

from murnau_worker.core.turns import Turns
from murnau_worker.drawing.latents import encoded, latent_shape, renoised
from murnau_worker.drawing.request import DrawRequest, Sketch
from murnau_worker.families.family import FamilyModel
from murnau_worker.sampling.samplers import SAMPLERS


@dataclass(frozen=True)
class ImageToImage:
    """`prompts`: one for each picture. `strength`: the share of the sampler's process that the picture stands for.

    The original's sense, the opposite of diffusers': a higher strength keeps more of the picture.
    """

    prompts: tuple[str, ...]
    picture: Image.Image
    strength: float

    name: ClassVar[str] = "img2img"

    @property
    def texts(self) -> tuple[str, ...]:
        return self.prompts

    @property
    def own_size(self) -> tuple[int, int]:
        return self.picture.size

    def sketch(self, model: FamilyModel, request: DrawRequest) -> Turns[Sketch]:
        options = request.options
        wanted = yield from model.condition(request.prompted, self.prompts)
        unwanted = yield from model.unconditional(request.prompted)
        shape = latent_shape(model, options)
        latents_NCHW = encoded(model, self.picture, shape, request)
        yield None
        start_step, timestep = start_of(options.sampler, options.num_steps, self.strength)
        return Sketch(
            denoiser=partial(model.denoiser, self.name),
            wanted=wanted,
            unwanted=unwanted,
            start=lambda place: renoised(
                model.renoising_process, latents_NCHW, place, request.noise.start(place, shape), timestep
            ),
            start_step=start_step,
        )


def start_of(sampler: str, num_steps: int, strength: float) -> tuple[int, int]:
    """Where the sampler's process starts, and the timestep that the picture is noised up to: the one before.

    A strength so high that the original would start before the process's first timestep, and fail, starts at it.
    """
    process = SAMPLERS[sampler].process(num_steps)
    start_step = max(1, int(len(process) * (1 - strength)))
    return start_step, process[start_step - 1]
