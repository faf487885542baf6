"""What a family says of its goldens: tensors by name, of which some were given to the original code and the others are
what that gave.

Names that every family's have, whatever it is: see `verify/`. Legend: R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Protocol

import torch

from murnau_worker.core.batch import Batch, Prompt, Rows
from murnau_worker.core.spec import FamilyParameters
from murnau_worker.families.description import FamilyOptions

Tensors = Mapping[str, torch.Tensor]
Outputs = Iterator[tuple[str, torch.Tensor]]


class Goldens(Protocol):
    """`model` is one of the family's.

    `inputs`: entries that the original code was given, beside those of every family. `phase`: the training's loss, and
    the name of its objective. `variants`: its parameters, by the name of what was trained with them.
    """

    inputs: frozenset[str]
    phase: str
    variants: Mapping[str, FamilyParameters]

    def parts(self, model: object, given: Tensors) -> Outputs:
        """What each part gives alone."""
        ...

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

    def training_inputs(self, step: int) -> frozenset[str]: ...

    def training_outputs(self, model: object, batch: Batch, rows: Rows) -> Outputs:
        """What is compared of a step's forward pass, by the end of its name."""
        ...
