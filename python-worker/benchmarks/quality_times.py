"""What a run costs when it is trained alone, from a few of its steps."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any

from runs import make_run, step

from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.training.run import TrainingRun

_CONCEPT = "purple-car"
_PLACES = (0.1, 0.3, 0.5, 0.7, 0.9)  # of a run's steps: those of every phase
_ROUNDS = 5


class _Timed:
    """One way's run, and seconds of its steps at each place."""

    def __init__(self, model: Kandinsky, cache: DataCache, changes: Mapping[str, Any]) -> None:
        self._runs = [make_run(model, cache, _CONCEPT, **changes) for _ in _PLACES]
        self._packer = Packer(Capacities(16))
        self._seconds: list[list[float]] = [[] for _ in _PLACES]
        for run, place in zip(self._runs, _PLACES, strict=True):
            run.state.step = int(place * run.spec.max_steps)
            step(self._packer, [run])  # kernels are made ready when a size is new

    def take(self) -> None:
        """One more step at each place."""
        for run, seconds in zip(self._runs, self._seconds, strict=True):
            began = time.process_time()
            step(self._packer, [run])
            seconds.append(time.process_time() - began)

    @property
    def whole_s(self) -> float:
        """Of the whole run."""
        each = sum(median(seconds) for seconds in self._seconds) / len(_PLACES)
        return each * self.run.spec.max_steps

    @property
    def run(self) -> TrainingRun:
        return self._runs[0]


def seconds_alone(model: Kandinsky, ways: Mapping[str, Mapping[str, Any]]) -> dict[str, float]:
    """Seconds of processor time that a run of each way takes alone; the ways' steps take turns."""
    cache = DataCache()
    timed = {name: _Timed(model, cache, changes) for name, changes in ways.items()}
    for _ in range(_ROUNDS):
        for way in timed.values():
            way.take()
    return {name: way.whole_s for name, way in timed.items()}
