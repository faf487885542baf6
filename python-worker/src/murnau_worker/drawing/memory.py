"""Batches that shrink when the device's memory is short."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from murnau_worker.device_memory import free_memory, is_out_of_memory
from murnau_worker.drawing.events import Notice, ResultT, Turns


def in_batches(
    places: Sequence[int],
    batch_size: int,
    work: Callable[[list[int]], Turns[ResultT]],
    then: Callable[[list[int], ResultT], Turns[None]],
) -> Turns[None]:
    """Does `work` on batches of places and hands each result to `then`.

    Out of memory, the batch is done again in halves, down to one picture, and the later ones are as small: what comes
    out does not depend on the batches. `work` must be repeatable; it is not repeated once `then` has begun.
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
