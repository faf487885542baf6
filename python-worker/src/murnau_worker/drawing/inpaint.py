"""Inpainting: the masked part of a picture is drawn anew by a UNet that also sees the picture and the mask.

Legend: H/W pixels of the picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

import torch
from PIL import Image

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.turns import Turns
from murnau_worker.drawing.latents import encoded, latent_shape
from murnau_worker.drawing.masks import grown, latent_mask
from murnau_worker.drawing.request import DrawRequest, Sketch
from murnau_worker.families.family import FamilyModel
from murnau_worker.sampling.guidance import Kept


@dataclass(frozen=True)
class Inpaint:
    """`prompts`: one for each picture. `mask_HW`: of the picture's size, 1 keeps, 0 repaints."""

    prompts: tuple[str, ...]
    picture: Image.Image
    mask_HW: torch.Tensor

    name: ClassVar[str] = "inpaint"

    @property
    def texts(self) -> tuple[str, ...]:
        return self.prompts

    @property
    def own_size(self) -> tuple[int, int]:
        return self.picture.size

    def sketch(self, model: FamilyModel, request: DrawRequest) -> Turns[Sketch]:
        """Raises WorkerError `mask.empty` where the repainted part is finer than a latent cell."""
        options = request.options
        shape = latent_shape(model, options)
        mask_11HW = latent_mask(self.mask_HW, options, shape, model.latent_factor)
        if bool((mask_11HW == 1).all()):
            raise WorkerError(
                "mask.empty",
                "what the mask repaints is finer than a cell of the model's latents",
                field="mask_hash",
                allowed=f"black parts of at least {model.latent_factor} pixels of the drawn picture",
            )
        wanted = yield from model.condition(request.prompted, self.prompts)
        unwanted = yield from model.unconditional(request.prompted)
        latents_NCHW = encoded(model, self.picture, shape, request)
        yield None
        return Sketch(
            denoiser=partial(model.denoiser, self.name),
            wanted=wanted,
            unwanted=unwanted,
            start=lambda place: request.noise.start(place, shape),
            kept=Kept(latents_NCHW, grown(mask_11HW).to(latents_NCHW.device)),
        )
