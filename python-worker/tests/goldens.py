"""Where the goldens are: beside the repository, or where MURNAU_GOLDENS says."""

from __future__ import annotations

import os
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parents[2]


def golden_root() -> Path:
    """The folder of goldens, which must be there."""
    folder = Path(os.environ.get("MURNAU_GOLDENS", REPOSITORY.parent / "shared" / "golden"))
    assert folder.is_dir(), f"the goldens are not at {folder}: set MURNAU_GOLDENS"
    return folder
