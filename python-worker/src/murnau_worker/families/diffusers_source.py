"""A folder in diffusers' form: each part in a folder of its own, with its configuration beside its weights.

Modules are built from their configurations and then fitted to the tensors' own widths, which the configurations can
not always say; a safetensors file that is in the wanted dtype already stays a memory map.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from torch import nn

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.description import FamilyDescription
from murnau_worker.models.diffusers_files import WEIGHT_FILES, has_weights, read_json, read_weights
from murnau_worker.models.parts import MissingPart, ModelShape, describe_missing
from murnau_worker.models.safe_pickle import cast_tensors
from murnau_worker.models.state_dict import Tensors, empty_model, load_strictly

Builder = Callable[[Path, Tensors], nn.Module]  # of a part's folder and its tensors


def plain_builder(kind: Any) -> Builder:
    """Of a class of diffusers whose configuration says everything."""

    def build(folder: Path, tensors: Tensors) -> nn.Module:
        with empty_model():
            model: nn.Module = kind.from_config(read_json(folder / "config.json"))
        return load_strictly(model, tensors)

    return build


class DiffusersSource(ABC):
    """Implements PartSource. A family says how its widths and its tokenizers are read."""

    layout = "diffusers"

    def __init__(
        self,
        folder: Path,
        description: FamilyDescription,
        part_folders: Mapping[str, str],
        builders: Mapping[str, Builder],
    ) -> None:
        """`part_folders`, `builders`: by part. Raises WorkerError `model.unreadable` that lists every missing part."""
        self.folder = folder
        self._exact = description.exact_tensors
        self._folders, self._builders = part_folders, builders
        self.optional_places: Mapping[str, str] = {
            part: f"{part_folders[part]}/ (config.json and its weights)" for part in description.optional_parts
        }
        missing: list[MissingPart] = []
        here: list[str] = []
        for part, place in part_folders.items():
            if (folder / place / "config.json").is_file() and has_weights(folder / place):
                here.append(part)
            elif part not in description.optional_parts:
                missing.append(MissingPart(part, (f"{place}/config.json with {WEIGHT_FILES[0]} or similar weights",)))
        if missing:
            raise WorkerError("model.unreadable", describe_missing(folder, self.layout, missing))
        self.parts: tuple[str, ...] = tuple(here)

    def read_shape(self) -> ModelShape:
        try:
            return self._shape()
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise WorkerError("model.unreadable", f"a configuration in {self.folder} can not be read: {error!r}") from (
                error
            )

    @abstractmethod
    def _shape(self) -> ModelShape: ...

    def _config(self, part: str) -> dict[str, Any]:
        return read_json(self.folder / self._folders[part] / "config.json")

    def read(self, part: str, dtype: torch.dtype | None) -> nn.Module:
        folder = self.folder / self._folders[part]
        try:
            stored = {name: value for name, value in read_weights(folder).items() if not name.endswith(".position_ids")}
            exact = {name: stored[name].float() for name in self._exact.get(part, ())}
            return self._builders[part](folder, {**cast_tensors(stored, dtype), **exact})
        except (OSError, ValueError, RuntimeError, KeyError, SafetensorError) as error:
            raise WorkerError("model.unreadable", f"the {part} in {folder} can not be read: {error}") from error
