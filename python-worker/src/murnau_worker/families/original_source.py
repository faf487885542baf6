"""A folder in an original's form: checkpoints whose keys are converted on reading."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import nn

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.description import FamilyDescription
from murnau_worker.models.parts import MissingPart, ModelShape, describe_missing
from murnau_worker.models.safe_pickle import cast_tensors, load_pickled, tensors_of
from murnau_worker.models.state_dict import Tensors

Places = tuple[str, ...]  # where a file is looked for, in order


class OriginalSource(ABC):
    """Implements PartSource. A family says which of a part's files holds its tensors, and how they are converted."""

    layout = "original"

    def __init__(self, folder: Path, description: FamilyDescription, files: Mapping[str, tuple[Places, ...]]) -> None:
        """`files`: of each part; of each file's places one must be there.

        Raises WorkerError `model.unreadable` that lists every missing part.
        """
        self.folder = folder
        self._files = files
        self.optional_places: Mapping[str, str] = {part: files[part][0][0] for part in description.optional_parts}
        missing: list[MissingPart] = []
        here: list[str] = []
        for part, of_part in files.items():
            absent = [place for places in of_part if self._find(places) is None for place in places]
            if not absent:
                here.append(part)
            elif part not in description.optional_parts:
                missing.append(MissingPart(part, tuple(absent)))
        if missing:
            raise WorkerError("model.unreadable", describe_missing(folder, self.layout, missing))
        self.parts: tuple[str, ...] = tuple(here)

    def _find(self, places: Places) -> Path | None:
        return next((self.folder / place for place in places if (self.folder / place).is_file()), None)

    def _tensors_of(self, places: Places) -> Tensors:
        """A file's tensors as it holds them; mapped, so that only their names and shapes are read now."""
        path = self._find(places)
        if path is None:
            raise FileNotFoundError(f"{places[0]} is not there any more")
        return load_file(path) if path.suffix == ".safetensors" else tensors_of(load_pickled(path), path)

    def read_shape(self) -> ModelShape:
        try:
            return self._shape()
        except (OSError, KeyError, ValueError, SafetensorError) as error:
            raise WorkerError("model.unreadable", f"the model in {self.folder} can not be read: {error!r}") from error

    @abstractmethod
    def _shape(self) -> ModelShape: ...

    def read(self, part: str, dtype: torch.dtype | None) -> nn.Module:
        try:
            return self._convert(part, cast_tensors(self._tensors(part), dtype))
        except (OSError, ValueError, KeyError, SafetensorError) as error:
            raise WorkerError("model.unreadable", f"the {part} in {self.folder} can not be read: {error!r}") from error

    @abstractmethod
    def _tensors(self, part: str) -> Tensors: ...

    @abstractmethod
    def _convert(self, part: str, tensors: Tensors) -> nn.Module: ...
