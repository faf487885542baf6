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
from murnau_worker.families.kandinsky21.model import Kandinsky

_NAME = "golden"
_DEFAULT_BOUND = 1e-4


@dataclass(frozen=True)
class GoldenFolder:
    """`tensors`: inputs and outputs by name; `bounds`: what max|a-b| / max|b| of an output may be."""

    tensors: dict[str, torch.Tensor]
    bounds: dict[str, float]
    model: Kandinsky

    def __getitem__(self, name: str) -> torch.Tensor:
        return self.tensors[name]

    def bound(self, name: str) -> float:
        return self.bounds.get(name, _DEFAULT_BOUND)


def read_tensors(folder: Path) -> dict[str, torch.Tensor]:
    """Raises WorkerError `model.unreadable`."""
    path = folder / "expected.safetensors"
    try:
        return load_file(path)
    except (OSError, SafetensorError) as error:
        raise WorkerError("model.unreadable", f"{path} can not be read: {error}") from error


def read_golden_folder(folder: Path) -> GoldenFolder:
    """Loads the checkpoint by the product's own loader. It computes on the CPU, as the original did.

    Raises WorkerError `model.unreadable`.
    """
    bounds = folder / "tolerances.json"
    model = ServedModels({_NAME: ModelEntry(path=folder, device="cpu")}).load(_NAME)
    if not isinstance(model, Kandinsky):
        raise WorkerError("model.unreadable", f"{folder} is no Kandinsky 2.1, of which the goldens are")
    return GoldenFolder(
        tensors=read_tensors(folder),
        bounds=json.loads(bounds.read_text("utf-8"))["tolerance"] if bounds.is_file() else {},
        model=model,
    )
