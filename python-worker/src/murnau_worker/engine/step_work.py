"""The gradients of one step of one run as the packer is asked for them, and how a tick is divided among runs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from weakref import WeakKeyDictionary

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.shares import PackGroup, Share, StepGradients

EXCLUSIVE_MICRO_BATCH = 4  # samples; part of what makes an exclusive run's bytes, so it follows from the spec alone
_QUANTUM = 4  # samples: fewer of a run per tick would cost more in Python than it gains in fairness


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

    `is_wanted` is asked before each tick: the work of a session that ended is dropped. `group`: None of an exclusive
    run. `parts`: the model and the phase whose parts compute it. `served_at`: number of the tick that last served it,
    or in which it came. `used_s`: device time that its run has had, see Fairness.
    """

    def __init__(self, run: TrainingRun, is_wanted: Callable[[], bool] = lambda: True) -> None:
        self.run = run
        self.group: PackGroup | None = None if run.spec.is_exclusive else run.group
        self.key: Hashable = self.group or self
        self.parts = (run.model.name, run.phase)
        self.parts_come_and_go = run.model.offload == "parts"
        self.done = 0
        self.served_at = 0
        self.used_s = 0.0
        self.error: WorkerError | None = None
        self._is_wanted = is_wanted
        self._sum: StepGradients | None = None

    @property
    def is_exclusive(self) -> bool:
        return self.group is None

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
        return self.error is not None or self.missing == 0 or not self._is_wanted()

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

    def fail(self, error: WorkerError) -> None:
        self.error = error


Portion = tuple[StepWork, int]  # a work and how many of its samples a tick computes


def share_out(works: Sequence[StepWork], capacity: int) -> list[Portion]:
    """Divides a tick among works of one group, those first whose runs had least, and of equals that waited longest.

    Each may take an even part of the capacity (but at least the quantum), then what is left goes round once more: a
    run with a large batch fills up a tick and delays nobody's small one.
    """
    in_order = sorted(works, key=lambda work: (work.used_s, work.served_at))
    quantum = max(_QUANTUM, capacity // len(in_order))
    free = capacity
    taken = [0] * len(in_order)
    for limit in (quantum, capacity):
        for place, work in enumerate(in_order):
            more = min(free, min(work.missing, limit) - taken[place])
            taken[place] += more
            free -= more
    return [(work, count) for work, count in zip(in_order, taken, strict=True) if count]


class Fairness:
    """Device time by run: the next tick is of the run that has had least.

    Start-time fair queueing (Goyal et al. 1996): a run that was away, or is new, begins where the others are and makes
    up for nothing.
    """

    def __init__(self) -> None:
        self._used_s: WeakKeyDictionary[TrainingRun, float] = WeakKeyDictionary()
        self._least_s = 0.0  # of the work that was served last

    def enter(self, work: StepWork) -> None:
        work.used_s = max(self._used_s.get(work.run, 0.0), self._least_s)

    def charge(self, portions: Sequence[Portion], took_s: float) -> None:
        """Divides a tick's time among those whose samples it computed."""
        self._least_s = max(self._least_s, min(work.used_s for work, _ in portions))
        samples = sum(count for _, count in portions)
        for work, count in portions:
            work.used_s += took_s * count / samples
            self._used_s[work.run] = work.used_s
