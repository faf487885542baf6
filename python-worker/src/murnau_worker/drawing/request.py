"""What a drawing is asked for, and the form of a task."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import ClassVar, Protocol

import torch

from murnau_worker.core.picture_noise import NoiseSource, PictureNoise, SeededNoise
from murnau_worker.core.turns import Turns
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.families.description import FamilyOptions
from murnau_worker.families.family import FamilyModel, PromptedPictures
from murnau_worker.sampling.guidance import Condition, Denoiser, Kept
from murnau_worker.text.prompt_reader import PromptReader
from murnau_worker.text.tokenizers import Tokenizers

BATCH = 4  # pictures drawn together: small, so that the first is seen soon


@dataclass(frozen=True)
class Sketch:
    """Everything that the denoiser is given for a request's N pictures.

    `denoiser(kept)` loads it where it is not in memory yet. `start(place)` gives what a picture starts from [C, H, W];
    `start_step` as in `SamplingRequest`.
    """

    denoiser: Callable[[Kept | None], Denoiser]
    wanted: Condition
    unwanted: Condition
    start: Callable[[int], torch.Tensor]
    start_step: int | None = None
    kept: Kept | None = None


class DrawingTask(Protocol):
    """A task: what makes its pictures different from another's."""

    name: ClassVar[str]

    @property
    def texts(self) -> tuple[str, ...]:
        """The texts that are read of it, by the towers that the family says."""
        ...

    @property
    def own_size(self) -> tuple[int, int] | None:
        """Width and height that the task itself brings, in pixels."""
        ...

    def sketch(self, model: FamilyModel, request: DrawRequest) -> Turns[Sketch]:
        """Encodes texts and pictures. Raises WorkerError for what only the model can refuse."""
        ...


@dataclass(frozen=True)
class DrawHooks:
    """What tests put in the place of what a request computes (`tests/golden_worker.py`); no request can set it.

    `noise`: by task. `picture_latents`: of the picture drawn upon [1, C, H, W].
    """

    noise: Mapping[str, NoiseSource] = field(default_factory=dict[str, NoiseSource])
    tokenizers: Tokenizers | None = None
    picture_latents: torch.Tensor | None = None


@dataclass(frozen=True)
class DrawRequest:
    """A task for N pictures, one of each seed. `options`: with the defaults filled in."""

    task: DrawingTask
    seeds: tuple[int, ...]
    options: DrawOptions
    reader: PromptReader
    batch_size: int = BATCH
    hooks: DrawHooks = field(default_factory=DrawHooks)

    @property
    def noise(self) -> PictureNoise:
        return PictureNoise(self.hooks.noise.get(self.task.name, SeededNoise()), self.seeds)

    @property
    def prompted(self) -> PromptedPictures:
        """What conditions are made from."""
        return PromptedPictures(self.task.name, self.reader, self.noise, self.family_options)

    @property
    def family_options(self) -> FamilyOptions:
        """The family's own, which `with_defaults` has put there."""
        assert self.options.family is not None
        return self.options.family

    def notices(self, model: FamilyModel) -> list[str]:
        """What a person should know of how the request's texts are read."""
        towers = model.description.task(self.task.name).towers
        of_task = [(text, towers) for text in self.task.texts]
        return self.reader.notices([*of_task, *model.prompts_in_options(self.family_options)])
