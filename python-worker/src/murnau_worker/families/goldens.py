"""What a family says of its goldens: tensors by name, of which some were given to the original code and the others are
what that gave.

Two forms are known, see `verify/`: tasks and training on given latents and token ids, or whole drawings as they were
recorded. Legend: R learnt rows, D row width, H/W pixels.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

import torch
from PIL import Image

from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.spec import FamilyParameters
from murnau_worker.families.description import FamilyOptions

Tensors = Mapping[str, torch.Tensor]
Outputs = Iterator[tuple[str, torch.Tensor]]


class _Goldens(Protocol):
    """`model` is one of the family's."""

    def is_input(self, name: str) -> bool:
        """Whether an entry was given to the original code. Every other is an output, known or not."""
        ...

    def bound(self, name: str) -> float:
        """What an output may be off by where the folder does not say it."""
        ...

    def parts(self, model: object, given: Tensors, folder: Path) -> Outputs:
        """What each part gives alone."""
        ...


class SampledGoldens(_Goldens, Protocol):
    """Tasks and training on given latents and token ids; names that every family's have: see `verify/compare.py`.

    `phase`: the training's loss, and the name of its objective. `variants`: its parameters, by the name of what was
    trained with them.
    """

    form: Literal["sampled"]
    phase: str
    variants: Mapping[str, FamilyParameters]

    def condition_noise(self, given: Tensors, purpose: str) -> torch.Tensor | None:
        """The noise that conditions were sampled from; None for another purpose."""
        ...

    def options(self, given: Tensors) -> FamilyOptions:
        """How the original drew."""
        ...

    def condition_outputs(self, wanted: object, unwanted: object) -> Outputs:
        """What is compared of a text's condition and of the one it is steered away from."""
        ...

    def training_prompt(self, model: object, given: Tensors) -> Prompt:
        """The prompt of the training, without its pads."""
        ...

    def training_noise(self, given: Tensors, step: int) -> dict[str, torch.Tensor]:
        """What the family draws for a step of one sample."""
        ...

    def training_outputs(self, model: object, batch: Batch, rows: Rows) -> Outputs:
        """What is compared of a step's forward pass, by the end of its name."""
        ...


@dataclass(frozen=True)
class RecordedRun:
    """One drawing of the original code, and its noise, each with a picture's axis first.

    `start`: what the sampler began with, or the picture drawn upon was noised by. `steps`: of the sampler's steps.
    `encoding`: by which the picture's latents were drawn. `strength`: of a picture to start from.
    """

    name: str
    task: Literal["text2img", "inpaint", "img2img"]
    prompt: str
    count: int
    sampler: str
    num_steps: int
    guidance_scale: float
    width: int
    height: int
    options: FamilyOptions
    start: torch.Tensor
    steps: tuple[torch.Tensor, ...]
    encoding: torch.Tensor | None
    strength: float


@dataclass(frozen=True)
class RecordedPicture:
    """What was drawn upon: a picture, and a mask [H, W] of its own size, 1 where it keeps."""

    picture: Image.Image
    mask_HW: torch.Tensor


class RecordedGoldens(_Goldens, Protocol):
    """Whole drawings with every step's latents; names: see `verify/recorded.py`."""

    form: Literal["recorded"]

    def runs(self, given: Tensors, folder: Path) -> tuple[RecordedRun, ...]: ...

    def drawn_upon(self, given: Tensors, folder: Path) -> RecordedPicture: ...


Goldens = SampledGoldens | RecordedGoldens
