"""Trains all runs that wait for a step in one forward and backward pass: continuous batching of optimizer steps.

No run waits for another: a tick takes what waits now. Runs that step together hand in their next step together, and a
run that comes back from an evaluation finds them at the next tick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

from murnau_worker.core.device_memory import free_memory, is_out_of_memory
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.failures import translate
from murnau_worker.families.family import FamilyModel
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.shares import Share, StepGradients
from murnau_worker.training.step import gradients

EXCLUSIVE_MICRO_BATCH = 4  # samples; part of what makes an exclusive run's bytes, so it follows from the spec alone


def exclusive_micro_batch(batch_size: int) -> int:
    """How many samples an exclusive run computes together, whatever else the device could hold."""
    return min(batch_size, EXCLUSIVE_MICRO_BATCH)


def batching(spec: TrainingSpec) -> str:
    """The part of a run's numeric fingerprint that its packing decides."""
    if spec.is_exclusive:
        return f"exclusive, micro-batch {exclusive_micro_batch(spec.optimizer.batch_size)}"
    return "packed"


class StepWork:
    """Handed by a session to the packer, which adds up gradients until all samples are done or `error` is set.

    `is_wanted` is asked before each tick: the work of a session that ended is dropped. `served_at`: number of the tick
    that last served it, or in which it came.
    """

    def __init__(self, run: TrainingRun, is_wanted: Callable[[], bool] = lambda: True) -> None:
        self.run = run
        self.is_wanted = is_wanted
        self.is_exclusive = run.spec.is_exclusive
        self.key: Hashable = self if self.is_exclusive else run.group
        self.done = 0
        self.served_at = 0
        self.error: WorkerError | None = None
        self._sum: StepGradients | None = None

    @property
    def micro_batch(self) -> int:
        """Samples that an exclusive run computes together."""
        return exclusive_micro_batch(self.run.spec.optimizer.batch_size)

    @property
    def missing(self) -> int:
        """Samples not yet computed."""
        return self.run.spec.optimizer.effective_batch - self.done

    @property
    def is_over(self) -> bool:
        return self.missing == 0 or self.error is not None or not self.is_wanted()

    @property
    def gradients(self) -> StepGradients:
        """Of the whole batch. Only for a work that is done."""
        assert self._sum is not None
        assert self.missing == 0
        return self._sum

    def share(self, count: int) -> Share:
        """The next `count` samples."""
        return self.run.share(range(self.done, self.done + count))

    def add(self, gradients: StepGradients, count: int) -> None:
        """Takes the gradients of the next `count` samples."""
        self._sum = gradients if self._sum is None else self._sum + gradients
        self.done += count


Compute = Callable[[FamilyModel, Sequence[Share]], list[StepGradients]]
Portion = tuple[StepWork, int]  # a work and how many of its samples a tick computes

_QUANTUM = 4  # samples: fewer of a run per tick would cost more in Python than it gains in fairness

_STAY_S = 10.0  # with offloaded parts: reading those of another phase takes a second or more


@dataclass(frozen=True)
class _Held:
    """The phase whose parts are on the device, and until when works of other phases wait for them."""

    model: str
    phase: str
    until_s: float

    def serves(self, work: StepWork) -> bool:
        return (work.run.model.name, work.run.phase) == (self.model, self.phase)


def share_out(works: Sequence[StepWork], capacity: int) -> list[Portion]:
    """Divides a tick among works of one group, those that waited longest first.

    Each may take an even part of the capacity (but at least the quantum), then what is left goes round once more: a
    run with a large batch fills up a tick and delays nobody's small one.
    """
    in_order = sorted(works, key=lambda work: work.served_at)
    quantum = max(_QUANTUM, capacity // len(in_order))
    free = capacity
    taken = [0] * len(in_order)
    for limit in (quantum, capacity):
        for place, work in enumerate(in_order):
            more = min(free, min(work.missing, limit) - taken[place])
            taken[place] += more
            free -= more
    return [(work, count) for work, count in zip(in_order, taken, strict=True) if count]


class Packer:
    """Steps that wait, and the ticks that compute them. On the device thread only."""

    def __init__(
        self,
        capacities: Capacities,
        compute: Compute = gradients,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacities = capacities
        self._compute = compute
        self._clock = clock
        self._held: _Held | None = None
        self._waiting: list[StepWork] = []
        self._ticks = 0

    def submit(self, work: StepWork) -> None:
        work.served_at = self._ticks
        self._waiting.append(work)

    def tick(self) -> list[StepWork]:
        """Computes one batch of one group, or a stage of its measurement; returns the works that are over."""
        groups: dict[Hashable, list[StepWork]] = {}
        for work in self._waiting:
            if not work.is_over:
                groups.setdefault(work.key, []).append(work)
        if groups:
            self._ticks += 1
            self._serve(self._next(groups.values()))
        over = [work for work in self._waiting if work.is_over]  # asked once: a run may be cancelled at any time
        self._waiting = [work for work in self._waiting if work not in over]
        return over

    def _next(self, groups: Collection[list[StepWork]]) -> list[StepWork]:
        """The group whose last turn lies furthest back; of equals, the one that waits longest.

        Where a model's parts come and go by phase, a phase that waits keeps its turn for a while.
        """
        held = self._held
        if held is not None and self._clock() < held.until_s:
            groups = [works for works in groups if held.serves(works[0])] or groups
        works = min(groups, key=lambda works: max(work.served_at for work in works))
        run = works[0].run
        if run.model.offload == "parts" and (held is None or not held.serves(works[0])):
            self._held = _Held(run.model.name, run.phase, self._clock() + _STAY_S)
        return works

    def _serve(self, works: Sequence[StepWork]) -> None:
        """Computes one batch; out of memory, the same samples in a smaller one."""
        while portions := self._portions(works):
            if not self._runs_out_of_memory(portions):
                return
            free_memory()
            samples = sum(count for _, count in portions)
            first = portions[0][0]
            if first.is_exclusive or samples == 1:
                first.error = _too_large(first, samples)
                return
            self._capacities.lower(first.run.group, samples // 2)

    def _portions(self, works: Sequence[StepWork]) -> list[Portion]:
        """What the next batch holds; nothing where the group's capacity is still being measured."""
        first = works[0]
        if first.is_exclusive:
            return [(first, min(first.micro_batch, first.missing))]
        capacity = self._capacities.known(first.run.group)
        if capacity is None:
            if sum(work.missing for work in works) > 1:
                self._measure(first.run)
                for work in works:
                    work.served_at = self._ticks
                return []
            capacity = 1
        return share_out(works, capacity)

    def _measure(self, run: TrainingRun) -> None:
        """One stage of a measurement with samples of a waiting run, as if so many runs waited with one each."""
        places = range(run.spec.optimizer.effective_batch)
        run.share(range(1))  # what drawing samples wants once is not the step's need
        run.model.hold(run.phase)

        def compute(samples: int) -> None:
            of_run = [places[index % len(places)] for index in range(samples)]
            self._compute(run.model, [run.share(range(place, place + 1)) for place in of_run])

        self._capacities.measure(run.group, run.model.device, compute)

    def _runs_out_of_memory(self, portions: Sequence[Portion]) -> bool:
        """Computes a batch; when memory runs out nothing has changed, and the same samples can be asked for again."""
        try:
            shares = [work.share(count) for work, count in portions]
            run = portions[0][0].run
            run.model.hold(run.phase)
            results = self._compute(run.model, shares)
        except Exception as error:
            if is_out_of_memory(error):
                return True
            self._find_the_guilty(portions, error)
            return False
        for (work, count), of_share in zip(portions, results, strict=True):
            work.add(of_share, count)
            work.served_at = self._ticks
        return False

    def _find_the_guilty(self, portions: Sequence[Portion], error: Exception) -> None:
        """An unforeseen error ends the run that it comes from and no other: each is computed again alone."""
        if len(portions) == 1:
            portions[0][0].error = translate(error)
            return
        get_logger().warning("a pack failed; its runs are computed one by one", exc_info=error)
        for work, count in portions:
            if self._runs_out_of_memory([(work, count)]):
                work.error = _too_large(work, count)


def _too_large(work: StepWork, samples: int) -> WorkerError:
    """The end of a run that can not be divided further."""
    if work.is_exclusive and samples > 1:
        return WorkerError(
            "device.out_of_memory",
            f"the device has not enough memory for {samples} samples of this run, and an exclusive run never changes "
            "how many it computes together",
            field="spec.packing",
            given="exclusive",
            allowed="packed, or a smaller batch_size",
        )
    return WorkerError("device.out_of_memory", "the device has not enough memory for one sample of this run alone")
