"""Reading of goldens and their comparison, shared by the golden tests."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file

from murnau_worker.models.config import ModelConfig
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.layouts import recognise


@dataclass(frozen=True)
class Golden:
    """Inputs and outputs of the original code, and the model converted from its checkpoints."""

    expected: dict[str, torch.Tensor]
    tolerances: dict[str, float]
    model: Kandinsky

    def __getitem__(self, key: str) -> torch.Tensor:
        return self.expected[key]

    def check(self, key: str, actual: torch.Tensor) -> None:
        """Compares with an expected tensor by max|a-b| / max|b|, within the suggested tolerance."""
        wanted = self.expected[key]
        assert actual.shape == wanted.shape, f"{key}: {tuple(actual.shape)} instead of {tuple(wanted.shape)}"
        error = float((actual.detach() - wanted).abs().max() / wanted.abs().max())
        assert error <= self.tolerances[key], f"{key}: off by {error:.3g}, allowed {self.tolerances[key]:.3g}"


def read_golden(folder: Path) -> Golden:
    layout = recognise(folder)
    assert layout.name == "original"
    return Golden(
        expected=load_file(folder / "expected.safetensors"),
        tolerances=json.loads((folder / "tolerances.json").read_text())["tolerance"],
        model=Kandinsky(layout.read(folder), ModelConfig(), "golden"),
    )
