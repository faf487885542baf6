"""What the session of a segment does whoever computes it: what it may still say, and what is due after a step.

Loads no torch.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from murnau_worker.core.errors import WorkerError
from murnau_worker.sessions.events import Checkpoint, Finished, Started, TrainEvent
from murnau_worker.sessions.lease import Lease
from murnau_worker.sessions.segment import SegmentRequest, StepRate


@dataclass(frozen=True)
class Due:
    """What belongs to a step beside its metrics. `certified`: it ends with a checkpoint."""

    last: bool
    evaluated: bool
    sampled: bool
    certified: bool


class LeasedSession:
    """One segment of one run, for one epoch. `emit` and `fail` are given by the stream."""

    def __init__(
        self, request: SegmentRequest, emit: Callable[[TrainEvent], None], fail: Callable[[WorkerError], None]
    ) -> None:
        self.request = request
        self.lease = Lease(request.acknowledged_step, request.spec.checkpoint_every_steps)
        self.phase = "waiting"
        self.step = request.acknowledged_step
        self.rate = StepRate()
        self._certified_step = request.acknowledged_step
        self._emit = emit
        self._fail = fail
        self._opened_at = time.monotonic()

    def fail(self, error: WorkerError) -> None:
        self._fail(error)

    @property
    def _is_over(self) -> bool:
        """Cancelled or superseded: what was not yet said is not said any more."""
        return self.lease.is_cancelled or self.lease.end_reason == "superseded"

    def _emit_if_alive(self, event: TrainEvent) -> None:
        """A cancelled or superseded session says nothing more but that it ended."""
        if self.lease.is_cancelled or (self.lease.end_reason == "superseded" and not isinstance(event, Finished)):
            return
        self._emit(event)

    def _begin(self, step: int, numeric_fingerprint: str, model_fingerprint: str) -> None:
        """Says from where it goes on. Raises WorkerError `spec.invalid` for a state of another step than was said."""
        request = self.request
        if step != request.acknowledged_step:
            raise WorkerError(
                "spec.invalid",
                f"the state is of step {step}, the newest stored step is said to be {request.acknowledged_step}",
                field="start.acknowledged_step",
                given=str(request.acknowledged_step),
                allowed=str(step),
            )
        if step >= request.until_step:
            raise WorkerError(
                "spec.invalid",
                f"the state is of step {step} already",
                field="start.until_step",
                given=str(request.until_step),
                allowed=f"{step + 1} to {request.spec.max_steps}",
            )
        self.step = step
        self._emit_if_alive(Started(step, numeric_fingerprint, model_fingerprint, time.monotonic() - self._opened_at))

    def _due(self, step: int) -> Due:
        spec = self.request.spec
        is_last = step == spec.max_steps
        evaluation = spec.evaluation
        is_evaluated = is_last or (evaluation.every_steps > 0 and step % evaluation.every_steps == 0)
        is_sampled = spec.samples.every_steps > 0 and step % spec.samples.every_steps == 0
        is_checkpoint = step % spec.checkpoint_every_steps == 0 or step == self.request.until_step
        return Due(is_last, is_evaluated, is_sampled, is_checkpoint or is_evaluated or is_sampled)

    def _certify(self, step: int, checkpoint: Callable[[], Checkpoint]) -> None:
        """Sends the state after the newest step, once: the last event of its step."""
        if self._certified_step < step:
            self._certified_step = step
            self._emit_if_alive(checkpoint())
