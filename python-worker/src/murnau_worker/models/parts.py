"""What a model folder offers: its parts and tokenizers to read, and the widths that its files show."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch
from torch import nn


@dataclass(frozen=True)
class ModelShape:
    """Widths of a model as its files show them without being loaded.

    `sample_size`: side of the latents it was trained on. `latent_factor`: pixels per latent cell. `latent_multiple`:
    latent sides are multiples of it. `widths`: of a token's row, by text tower. `contexts`: tokens that a text tower
    reads, of those whose files say it.
    """

    sample_size: int
    latent_factor: int
    latent_multiple: int
    widths: Mapping[str, int]
    contexts: Mapping[str, int]


class PartSource(Protocol):
    """A model folder whose layout is known and whose needed parts are all there."""

    folder: Path
    layout: str
    optional_places: Mapping[str, str]  # by optional part: where it would have to be put

    @property
    def parts(self) -> tuple[str, ...]:
        """The parts that are there."""
        ...

    def read_shape(self) -> ModelShape:
        """Raises WorkerError `model.unreadable`."""
        ...

    def read(self, part: str, dtype: torch.dtype | None) -> nn.Module:
        """Reads a part on the CPU, in the given dtype or the file's own. Raises WorkerError `model.unreadable`."""
        ...

    def read_tokenizer(self, tower: str) -> Any:
        """A tower's tokenizer. Raises WorkerError `model.unreadable` and says which file to put where."""
        ...


@dataclass(frozen=True)
class MissingPart:
    """A part that is not there, and the paths it was looked for at, relative to the model's folder."""

    name: str
    looked_for: tuple[str, ...]


def describe_missing(folder: Path, layout: str, missing: list[MissingPart]) -> str:
    """One sentence that lists all of them."""
    parts = "; ".join(f"{part.name} (looked for {' or '.join(part.looked_for)})" for part in missing)
    return f"the model in {folder} ({layout} layout) lacks {len(missing)} of its parts: {parts}"
