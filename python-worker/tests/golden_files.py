"""The folders of goldens, and how an output is compared with them."""

from __future__ import annotations

from pathlib import Path

import torch

from murnau_worker.verify.compare import relative_error
from murnau_worker.verify.golden_folder import GoldenFolder

GOLDENS = Path(__file__).resolve().parent / "goldens"
"""A folder for each family; where they come from is in its README."""


def check(golden: GoldenFolder, name: str, actual: torch.Tensor) -> None:
    """Compares with an output of the goldens within its bound."""
    error = relative_error(actual, golden[name])
    assert error <= golden.bound(name), f"{name}: off by {error:.3g}, allowed {golden.bound(name):.3g}"
