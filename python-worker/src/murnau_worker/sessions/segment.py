"""A segment of a run as a client asks for it, and what its session tells of its pace. Loads no torch."""

from __future__ import annotations

import time
from collections import deque
from dataclasses import dataclass

from murnau_worker.core.logs import get_logger
from murnau_worker.core.named_picture import NamedPicture
from murnau_worker.core.spec import TrainingSpec

# Rows and moments have at most a few megabytes; beside them are 90 bytes for each evaluation, of at most a million.
LARGEST_STATE_BYTES = 96 * 1024 * 1024
_RATE_WINDOW_S = 10.0


@dataclass(frozen=True)
class SegmentRequest:
    """A segment as the client asks for it, checked as far as that needs no model."""

    run_id: str
    epoch: int
    spec: TrainingSpec
    pictures: tuple[NamedPicture, ...]
    state: bytes | None
    until_step: int
    acknowledged_step: int
    initializer: bytes | None = None  # the file of an embedding that the rows start from


class StepRate:
    """Steps per second over the last 10 s."""

    def __init__(self) -> None:
        self._times: deque[float] = deque()

    def count(self) -> None:
        self._times.append(time.monotonic())

    @property
    def per_second(self) -> float:
        now = time.monotonic()
        while self._times and now - self._times[0] > _RATE_WINDOW_S:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        return (len(self._times) - 1) / max(now - self._times[0], 1e-9)


def log_step(request: SegmentRequest, step: int) -> None:
    """Puts a computed step down in the log, which outlives a killed process: so steps computed twice are counted."""
    get_logger().debug("step", extra={"run_id": request.run_id, "epoch": request.epoch, "step": step})
