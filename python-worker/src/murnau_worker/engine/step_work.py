"""One optimizer step that a run waits for, computed in one tick or over several."""

from __future__ import annotations

from collections.abc import Callable, Hashable

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.textual_inversion.pack import Share, StepGradients
from murnau_worker.textual_inversion.run import TrainingRun

EXCLUSIVE_MICRO_BATCH = 4  # samples; part of what makes an exclusive run's bytes, so it follows from the spec alone


def exclusive_micro_batch(batch_size: int) -> int:
    """How many samples an exclusive run computes together, whatever else the device could hold."""
    return min(batch_size, EXCLUSIVE_MICRO_BATCH)


def batching(spec: TrainingSpec) -> str:
    """The part of a run's numeric fingerprint that its packing decides."""
    if spec.is_exclusive:
        return f"exclusive, micro-batch {exclusive_micro_batch(spec.batch_size)}"
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
        return exclusive_micro_batch(self.run.spec.batch_size)

    @property
    def missing(self) -> int:
        """Samples not yet computed."""
        return self.run.spec.effective_batch - self.done

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
