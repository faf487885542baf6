"""How many samples a tick may hold: measured on the device for each group of runs, when first more than one waits."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

import torch

from murnau_worker.core.device_memory import is_out_of_memory
from murnau_worker.core.logs import get_logger
from murnau_worker.training.shares import PackGroup

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
    """On a CPU memory is plenty: the batch doubles as long as that trains more samples per second.

    Seconds are of processor time, so that work of other processes does not pass for a limit of the device.
    """

    def __init__(self, clock: Callable[[], float] = time.process_time) -> None:
        self._clock = clock
        self._rates: dict[int, float] = {}  # samples per second, by batch
        self._spent_s = 0.0

    def stage(self, compute: ComputeSamples) -> int | None:
        """One size; where it brings no gain once more, for kernels are made ready when a size is new."""
        size = 2 * max(self._rates, default=0) or 1
        rate = self._rate(compute, size)
        is_gain = bool(self._rates) and rate >= max(self._rates.values()) * _WORTHWHILE_GAIN
        if not is_gain and self._spent_s < _BUDGET_S:
            rate = max(rate, self._rate(compute, size))
        self._rates[size] = rate
        is_last = size >= LARGEST_ON_CPU or self._spent_s + 2 * size / rate > _BUDGET_S or self._has_stopped_gaining
        return self._smallest_good if is_last else None

    @property
    def _has_stopped_gaining(self) -> bool:
        """Neither of the last two sizes was worth it: one alone may have been bad luck."""
        *before, last_but_one, last = (0.0, *self._rates.values())
        return bool(before) and max(last_but_one, last) < max(before) * _WORTHWHILE_GAIN

    @property
    def _smallest_good(self) -> int:
        best = max(self._rates.values())
        return min(size for size, rate in self._rates.items() if rate * _WORTHWHILE_GAIN >= best)

    def _rate(self, compute: ComputeSamples, size: int) -> float:
        """Samples per second."""
        began = self._clock()
        compute(size)
        took_s = max(self._clock() - began, 1e-9)
        self._spent_s += took_s
        return size / took_s


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
