"""A training session's lease: how far it may go, and whether its client still lives.

Written by the asyncio side and read by the device thread; every field is set in one assignment.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from murnau_worker.engine.events import FinishReason

SILENCE_LIMIT_S = 3.0


@dataclass
class Lease:
    """`acknowledged_step`: the newest checkpoint that the client has stored."""

    acknowledged_step: int
    checkpoint_every_steps: int
    heard_at: float = field(default_factory=time.monotonic)
    is_cancelled: bool = False
    end_reason: FinishReason | None = None

    def hear(self) -> None:
        """The client sent something."""
        self.heard_at = time.monotonic()

    def acknowledge(self, step: int) -> None:
        self.acknowledged_step = max(self.acknowledged_step, step)

    @property
    def is_silent(self) -> bool:
        return time.monotonic() - self.heard_at > SILENCE_LIMIT_S

    def allows_step_after(self, step: int) -> bool:
        """Whether a run at `step` may go on: at most one checkpoint interval past the last acknowledgement."""
        return step - self.acknowledged_step < self.checkpoint_every_steps
