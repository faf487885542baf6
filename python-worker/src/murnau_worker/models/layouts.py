"""Layouts of model folders, recognised by looking. Each entry: a name, a test, a reader."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from murnau_worker.core.errors import WorkerError
from murnau_worker.models.diffusers_layout import is_diffusers_layout, read_diffusers_layout
from murnau_worker.models.original_layout import is_original_layout, read_original_layout
from murnau_worker.models.parts import PartSource


@dataclass(frozen=True)
class Layout:
    name: str
    is_here: Callable[[Path], bool]
    read: Callable[[Path], PartSource]
    what_it_looks_like: str


LAYOUTS: tuple[Layout, ...] = (
    Layout("diffusers", is_diffusers_layout, read_diffusers_layout, "kandinsky-2-1/ and kandinsky-2-1-prior/"),
    Layout(
        "original", is_original_layout, read_original_layout, "2_1/ with decoder_fp16.ckpt and others, and ViT-L-14.pt"
    ),
)


def recognise(folder: Path) -> Layout:
    """The layout of a folder. Raises WorkerError `model.unreadable` and says what was looked for."""
    for layout in LAYOUTS:
        if layout.is_here(folder):
            return layout
    looked_for = "; ".join(f"{layout.name}: {layout.what_it_looks_like}" for layout in LAYOUTS)
    raise WorkerError("model.unreadable", f"{folder} is no model folder of a known layout ({looked_for})")
