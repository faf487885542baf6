"""Model folders: which family they are of, and in which layout, recognised by looking."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.family import Family, Layout
from murnau_worker.families.registry import REGISTRATIONS
from murnau_worker.models import fingerprint
from murnau_worker.models.parts import PartSource


def families() -> tuple[Family, ...]:
    """The code of all that are registered; loaded with the first folder or file that is looked at."""
    return tuple(importlib.import_module(registration.module).FAMILY for registration in REGISTRATIONS)


@dataclass(frozen=True)
class RecognisedFolder:
    """A model folder of a known layout."""

    folder: Path
    family: Family
    layout: Layout

    def read(self) -> PartSource:
        """Opens the folder without reading weights. Raises WorkerError `model.unreadable`."""
        return self.layout.read(self.folder)

    def fingerprint(self, cache: Path | None = None) -> str:
        """What identifies the weights that training reads; `cache`: folder of digests of large files."""
        return fingerprint.fingerprint_of(self.folder, cache, self.family.left_out_of_fingerprint)


def recognise(folder: Path, wanted: str = "") -> RecognisedFolder:
    """`wanted`: the name of the family to look for first, in a folder that may hold models of several.

    Raises WorkerError `model.unreadable` that says what was looked for.
    """
    ordered = sorted(families(), key=lambda family: family.description.name != wanted)
    known = [(family, layout) for family in ordered for layout in family.layouts]
    for family, layout in known:
        if layout.is_here(folder):
            return RecognisedFolder(folder, family, layout)
    looked_for = "; ".join(f"{layout.name}: {layout.what_it_looks_like}" for _, layout in known)
    raise WorkerError("model.unreadable", f"{folder} is no model folder of a known layout ({looked_for})")
