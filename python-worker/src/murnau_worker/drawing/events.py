"""Events of a drawing. Legend: H/W pixels."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass

import torch

from murnau_worker.core.progress import Notice, Progress
from murnau_worker.core.turns import ResultT


@dataclass(frozen=True)
class Preview:
    """A small picture in -1..1 of how far a picture is; `place` as in the request's seeds."""

    place: int
    pixels_3HW: torch.Tensor


@dataclass(frozen=True)
class Picture:
    """A finished picture in -1..1; `place` as in the request's seeds."""

    place: int
    pixels_3HW: torch.Tensor


DrawEvent = Progress | Notice | Preview | Picture

# Work on the device that stops after each small step, with an event or None, and returns its result at the end.
DrawTurns = Generator[DrawEvent | None, None, ResultT]
