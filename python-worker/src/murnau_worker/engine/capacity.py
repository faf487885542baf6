"""How many samples a tick may hold: measured on the device for each group of runs, when first more than one waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import torch

from murnau_worker.engine.failures import is_out_of_memory
from murnau_worker.logs import get_logger
from murnau_worker.textual_inversion.pack import PackGroup

LARGEST_ON_CPU = 16
LARGEST_ON_CUDA = 256
_WORTHWHILE_GAIN = 1.05  # more samples per second by at least this factor, or the batch does not grow
_BUDGET_S = 1.5  # of the CPU's measurement
_MEMORY_SHARE = 0.9  # of the free memory may be filled

ComputeSamples = Callable[[int], object]  # trains so many samples for nothing


class Probe(Protocol):
    """A measurement in short stages, between which the device does other work."""

    def stage(self, compute: ComputeSamples) -> int | None:
        """Runs the next stage; the capacity once it is known. Out of memory is raised by `compute`."""
        ...


class ThroughputProbe:
    """On a CPU memory is plenty: the batch doubles as long as that trains more samples per second."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._size = 1
        self._best_rate = 0.0
        self._spent_s = 0.0

    def stage(self, compute: ComputeSamples) -> int | None:
        """One size, twice: the first time warms up, and the faster one counts (other processes take their share)."""
        size = self._size
        took_s = [self._timed(compute, size)]
        if sum(took_s) + self._spent_s < _BUDGET_S:
            took_s.append(self._timed(compute, size))
        self._spent_s += sum(took_s)
        rate = size / max(min(took_s), 1e-9)
        if rate < self._best_rate * _WORTHWHILE_GAIN:
            return size // 2
        if size >= LARGEST_ON_CPU or self._spent_s + 2 * min(took_s) > _BUDGET_S:
            return size
        self._best_rate = rate
        self._size = 2 * size
        return None

    def _timed(self, compute: ComputeSamples, size: int) -> float:
        began = self._clock()
        compute(size)
        return self._clock() - began


class CudaMemoryProbe:
    """On a CUDA device: the peaks of one and of two samples say what one more costs, and so how many fit."""

    def __init__(self) -> None:
        self._peak_of_one: int | None = None

    def stage(self, compute: ComputeSamples) -> int | None:
        resident = torch.cuda.memory_allocated()
        torch.cuda.reset_peak_memory_stats()
        compute(1 if self._peak_of_one is None else 2)
        peak = torch.cuda.max_memory_allocated() - resident
        if self._peak_of_one is None:
            self._peak_of_one = peak
            return None
        unused = torch.cuda.memory_reserved() - torch.cuda.memory_allocated()
        return samples_that_fit(self._peak_of_one, peak, torch.cuda.mem_get_info()[0] + unused)


def samples_that_fit(peak_of_one: int, peak_of_two: int, free: int) -> int:
    """How many samples fit in a share of `free` bytes, by the peaks (bytes above what is resident) of one and two."""
    each = max(peak_of_two - peak_of_one, 1)
    constant = max(peak_of_one - each, 0)
    return max(1, min(LARGEST_ON_CUDA, int((_MEMORY_SHARE * free - constant) // each)))


_PROBES: dict[str, Callable[[], Probe]] = {"cuda": CudaMemoryProbe}


class Capacities:
    """Known capacities, and measurements under way. `max_samples` (0: measure) takes the measurement's place."""

    def __init__(self, max_samples: int = 0) -> None:
        self._max_samples = max_samples
        self._known: dict[PackGroup, int] = {}
        self._probes: dict[PackGroup, Probe] = {}

    def known(self, group: PackGroup) -> int | None:
        """None: to be measured."""
        return self._known.get(group, self._max_samples or None)

    def measure(self, group: PackGroup, device: torch.device, compute: ComputeSamples) -> None:
        """Runs one stage of the group's measurement; after the last one its capacity is known."""
        probe = self._probes.get(group)
        if probe is None:
            probe = self._probes[group] = _PROBES.get(device.type, ThroughputProbe)()
        try:
            found = probe.stage(compute)
        except Exception as error:
            if not is_out_of_memory(error):  # computed one by one, the runs will show which of them is at fault
                get_logger().warning("the capacity can not be measured", exc_info=error)
            found = 1
        if found is not None:
            del self._probes[group]
            self._known[group] = found
            get_logger().info("capacity measured", extra={"model": group.model, "samples": found})

    def lower(self, group: PackGroup, samples: int) -> None:
        """The device had not enough memory for twice as many."""
        self._known[group] = samples
        get_logger().warning(
            "out of memory: fewer samples are trained together", extra={"model": group.model, "samples": samples}
        )
