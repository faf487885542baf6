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
LONGEST_TICK_S = 0.5  # on CUDA: an interactive drawing, and a run of another group, wait for a tick at most
HARDLY_LONGER = 1.25  # where one sample alone takes longer, a batch may take so many times as long
_WORTHWHILE_GAIN = 1.05  # more samples per second by at least this factor, or the batch does not grow
_BUDGET_ON_CPU_S = 1.5  # of a measurement's trial batches
_BUDGET_ON_CUDA_S = 10.0
_MEMORY_SHARE = 0.9  # of the free memory may be filled
# A capacity that was lowered is measured again after this time. In time and not in ticks, since what takes the memory
# away passes with time (a drawing, another process). If it does not pass, one batch in five minutes is computed twice.
SHORTAGE_S = 300.0

ComputeSamples = Callable[[int], object]  # trains so many samples for nothing


class Probe(Protocol):
    """A measurement in short stages, between which the device does other work."""

    def stage(self, compute: ComputeSamples) -> int | None:
        """Runs the next stage; the capacity once it is known. Raises what `compute` raises."""
        ...


class ThroughputProbe:
    """The batch doubles as long as that trains more samples per second.

    Seconds are of processor time by default, so that work of other processes does not pass for a limit of the device.
    """

    def __init__(
        self,
        clock: Callable[[], float] = time.process_time,
        *,
        largest: int = LARGEST_ON_CPU,
        longest_s: float = float("inf"),
        budget_s: float = _BUDGET_ON_CPU_S,
    ) -> None:
        """`largest`: samples of a batch. `longest_s`: of a batch, see HARDLY_LONGER. `budget_s`: of all batches."""
        self._clock = clock
        self._largest = largest
        self._longest_s = longest_s
        self._budget_s = budget_s
        self._rates: dict[int, float] = {}  # samples per second, by batch
        self._spent_s = 0.0

    def stage(self, compute: ComputeSamples) -> int | None:
        """One size; where it brings no gain once more, for kernels are made ready when a size is new."""
        size = min(2 * max(self._rates, default=0) or 1, self._largest)
        try:
            rate = self._rate(compute, size)
            is_gain = bool(self._rates) and rate >= max(self._rates.values()) * _WORTHWHILE_GAIN
            if not is_gain and self._spent_s < self._budget_s:
                rate = max(rate, self._rate(compute, size))
        except Exception as error:
            if not self._rates or not is_out_of_memory(error):
                raise
            return self._smallest_good
        self._rates[size] = rate
        if size / rate > max(self._longest_s, HARDLY_LONGER / self._rates[1]):
            del self._rates[size]
            return self._smallest_good
        is_last = size >= self._largest or self._spent_s + 2 * size / rate > self._budget_s or self._has_stopped_gaining
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
    """The peaks of one and of two samples say what one more costs, and so how many fit."""

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


class CudaProbe:
    """Memory says how many samples fit, then throughput and a tick's length how many of those are worth it.

    What is computed for memory also makes the kernels ready that throughput is measured by.
    """

    def __init__(
        self, memory: Callable[[], Probe] = CudaMemoryProbe, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._memory = memory()
        self._clock = clock
        self._throughput: ThroughputProbe | None = None

    def stage(self, compute: ComputeSamples) -> int | None:
        if self._throughput is not None:
            return self._throughput.stage(compute)
        fit = self._memory.stage(compute)
        if fit is not None:
            self._throughput = ThroughputProbe(
                self._clock, largest=fit, longest_s=LONGEST_TICK_S, budget_s=_BUDGET_ON_CUDA_S
            )
        return None


def samples_that_fit(peak_of_one: int, peak_of_two: int, free: int) -> int:
    """How many samples fit in a share of `free` bytes, by the peaks (bytes above what is resident) of one and two."""
    each = max(peak_of_two - peak_of_one, 1)
    constant = max(peak_of_one - each, 0)
    return max(1, min(LARGEST_ON_CUDA, int((_MEMORY_SHARE * free - constant) // each)))


_PROBES: dict[str, Callable[[], Probe]] = {"cuda": CudaProbe}


class Capacities:
    """Known capacities, and measurements under way. `max_samples` (0: measure) takes the measurement's place."""

    def __init__(self, max_samples: int = 0, clock: Callable[[], float] = time.monotonic) -> None:
        self._max_samples = max_samples
        self._clock = clock
        self._known: dict[PackGroup, int] = {}
        self._short_until_s: dict[PackGroup, float] = {}
        self._probes: dict[PackGroup, Probe] = {}

    def known(self, group: PackGroup) -> int | None:
        """None: to be measured, for the first time or after a shortage."""
        if self._clock() >= self._short_until_s.get(group, float("inf")):
            del self._short_until_s[group], self._known[group]
        return self._known.get(group, self._max_samples or None)

    def measure(self, group: PackGroup, device: torch.device, compute: ComputeSamples) -> None:
        """Runs one stage of the group's measurement; after the last one its capacity is known. Raises as `compute`."""
        probe = self._probes.get(group)
        if probe is None:
            probe = self._probes[group] = _PROBES.get(device.type, ThroughputProbe)()
        found = probe.stage(compute)
        if found is not None:
            del self._probes[group]
            self._known[group] = found
            get_logger().info("capacity measured", extra={"model": group.model, "samples": found})

    def lower(self, group: PackGroup, samples: int, reason: str) -> None:
        """For a while the group's ticks hold so many samples; then it is measured again."""
        self._probes.pop(group, None)
        self._known[group] = samples
        self._short_until_s[group] = self._clock() + SHORTAGE_S
        get_logger().warning(
            f"fewer samples are trained together: {reason}", extra={"model": group.model, "samples": samples}
        )
