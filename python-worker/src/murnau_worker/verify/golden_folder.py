"""A folder of goldens: a checkpoint in the original's layout, and inputs with the original code's outputs for them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from murnau_worker.core.errors import WorkerError
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.engine.served_models_file import ModelEntry
from murnau_worker.families.family import FamilyModel
from murnau_worker.families.goldens import Goldens, RecordedGoldens, SampledGoldens
from murnau_worker.families.layouts import recognise

_NAME = "golden"


@dataclass(frozen=True)
class GoldenFolder:
    """`tensors`: inputs and outputs by name; `bounds`: what max|a-b| / max|b| of an output may be.

    `goldens`: what the model's family says of them.
    """

    folder: Path
    tensors: dict[str, torch.Tensor]
    bounds: dict[str, float]
    model: FamilyModel
    goldens: Goldens

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    def bound(self, name: str) -> float:
        return self.bounds.get(name, self.goldens.bound(name))

    @property
    def sampled(self) -> SampledGoldens:
        assert self.goldens.form == "sampled"
        return self.goldens

    @property
    def recorded(self) -> RecordedGoldens:
        assert self.goldens.form == "recorded"
        return self.goldens


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Raises WorkerError `model.unreadable`."""
    path = folder / "expected.safetensors"
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WorkerError("model.unreadable", f"{path} can not be read: {error}") from error


def goldens_of(folder: Path) -> Goldens:
    """Raises WorkerError `model.unreadable` for a folder of no family, or of one without goldens."""
    family = recognise(folder).family
    if family.goldens is None:
        raise WorkerError("model.unreadable", f"{folder} holds a {family.description.title}, which has no goldens")
    return family.goldens


def read_golden_folder(folder: Path) -> GoldenFolder:
    """Loads the checkpoint by the product's own loader. It computes on the CPU, as the original did.

    Raises WorkerError `model.unreadable`.
    """
    bounds = folder / "tolerances.json"
    return GoldenFolder(
        folder=folder,
        goldens=goldens_of(folder),
        model=ServedModels({_NAME: ModelEntry(path=folder, device="cpu")}).load(_NAME),
        tensors=read_tensors(folder),
        bounds=json.loads(bounds.read_text("utf-8"))["tolerance"] if bounds.is_file() else {},
    )
