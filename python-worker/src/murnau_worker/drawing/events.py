"""What a drawing tells whoever asked for it. Legend: H/W pixels."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeVar

import torch

from murnau_worker.drawing.progress import Notice, Progress

ResultT = TypeVar("ResultT")


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

# Work on the device that stops after each small step, with news or without, and returns its result at the end.
Turns = Generator[DrawEvent | None, None, ResultT]


def in_inference_mode(turns: Turns[ResultT]) -> Turns[ResultT]:
    """Runs each turn in inference mode, which must not stay on while another task of the thread has its turn."""
    while True:
        try:
            with torch.inference_mode():
                event = next(turns)
        except StopIteration as finished:
            return finished.value
        yield event
