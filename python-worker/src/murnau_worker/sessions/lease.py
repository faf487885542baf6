"""A training session's lease: how far it may go, and whether its client still lives.

Written by the asyncio side and read by the device thread; every field is set in one assignment.
"""

from __future__ import annotations

from dataclasses import dataclass

from murnau_worker.sessions.events import FinishReason

SILENCE_LIMIT_S = 3.0


@dataclass
class Lease:
    """`acknowledged_step`: the newest checkpoint that the client has stored."""

    acknowledged_step: int
    checkpoint_every_steps: int
    silence_s: float = 0.0
    is_cancelled: bool = False
    end_reason: FinishReason | None = None

    def renew(self) -> None:
        """The client sent something."""
        self.silence_s = 0.0

    def add_silence(self, seconds: float) -> None:
        """The asyncio side waited so long for a message of the client and got none.

        In time spent waiting, not by the clock: while it is held up (a model's file is read, the machine is
        busy) what the client says waits to be read, and that is no silence.
        """
        self.silence_s += seconds

    def acknowledge(self, step: int) -> None:
        self.acknowledged_step = max(self.acknowledged_step, step)

    @property
    def is_silent(self) -> bool:
        return self.silence_s > SILENCE_LIMIT_S

    def allows_step_after(self, step: int) -> bool:
        """Whether a run at `step` may go on: at most one checkpoint interval past the last acknowledgement."""
        return step - self.acknowledged_step < self.checkpoint_every_steps
