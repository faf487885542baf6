"""Where the goldens are: beside the repository, or where MURNAU_GOLDENS says."""

from __future__ import annotations

import os
from pathlib import Path

import torch

from murnau_worker.verify.compare import relative_error
from murnau_worker.verify.golden_folder import GoldenFolder

REPOSITORY = Path(__file__).resolve().parents[2]


def golden_root() -> Path:
    """The folder of goldens, which must be there."""
    folder = Path(os.environ.get("MURNAU_GOLDENS", REPOSITORY.parent / "shared" / "golden"))
    assert folder.is_dir(), f"the goldens are not at {folder}: set MURNAU_GOLDENS"
    return folder


def check(golden: GoldenFolder, name: str, actual: torch.Tensor) -> None:
    """Compares with an output of the goldens within its bound."""
    error = relative_error(actual, golden[name])
    assert error <= golden.bound(name), f"{name}: off by {error:.3g}, allowed {golden.bound(name):.3g}"
