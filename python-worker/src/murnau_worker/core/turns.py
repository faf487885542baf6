"""Work on the device in small steps: generators that stop after each step, so that other work can run in between."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from typing import TypeVar

import torch

from murnau_worker.core.device_memory import free_memory, is_out_of_memory
from murnau_worker.core.progress import Notice, Progress

EventT = TypeVar("EventT")
ResultT = TypeVar("ResultT")

# Stops after each small step, with an event or None, and returns its result at the end.
Turns = Generator[Progress | Notice | None, None, ResultT]


def result_of(steps: Generator[object, None, ResultT]) -> ResultT:
    """Runs every step and gives what the generator returns."""
    while True:
        try:
            next(steps)
        except StopIteration as finished:
            return finished.value


def in_inference_mode(turns: Generator[EventT, None, ResultT]) -> Generator[EventT, None, ResultT]:
    """Runs each turn in inference mode, which must not stay on while another task of the thread has its turn."""
    while True:
        try:
            with torch.inference_mode():
                event = next(turns)
        except StopIteration as finished:
            return finished.value
        yield event


def in_batches(
    places: Sequence[int],
    batch_size: int,
    work: Callable[[list[int]], Generator[EventT, None, ResultT]],
    then: Callable[[list[int], ResultT], Generator[EventT, None, None]],
) -> Generator[EventT | Notice, None, None]:
    """Does `work` on batches of places and passes each result to `then`.

    Out of memory, the batch is done again in halves, down to one picture, and the later ones are as small: the results
    do not depend on the batches. `work` must be repeatable; it is not repeated once `then` has begun.
    """
    waiting = _chunks(places, batch_size)
    while waiting:
        batch = waiting.pop(0)
        try:
            result = yield from work(batch)
        except Exception as error:
            if len(batch) == 1 or not is_out_of_memory(error):
                raise
            waiting = _chunks([*batch, *(place for later in waiting for place in later)], (len(batch) + 1) // 2)
        else:
            yield from then(batch, result)
            continue
        free_memory()  # not before here: the error held on to the frames that hold the memory
        yield Notice(f"not enough memory for {len(batch)} pictures at once: going on with {len(waiting[0])}")


def _chunks(places: Sequence[int], size: int) -> list[list[int]]:
    return [list(places[start : start + size]) for start in range(0, len(places), size)]
