"""Running a generator through, where nobody waits between its steps."""

from __future__ import annotations

from collections.abc import Generator
from typing import TypeVar

ResultT = TypeVar("ResultT")


def result_of(steps: Generator[object, None, ResultT]) -> ResultT:
    """Runs every step and gives what the generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value
