"""The simulated engine: sessions are tasks of the asyncio loop, for nothing here computes long."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import secrets
from collections.abc import Callable, Sequence

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.description import FamilyDescription
from murnau_worker.sessions.events import TrainEvent
from murnau_worker.sessions.segment import SegmentRequest
from murnau_worker.sessions.session_book import SessionBook
from murnau_worker.simulated.session import SimulatedSession

_LONGEST_WAIT_S = 1.0  # a wake-up that came before the wait is caught here


def fingerprint_of(model: str) -> str:
    """A simulated model's fingerprint."""
    return hashlib.sha256(f"simulated {model}".encode()).hexdigest()


class SimulatedDevice:
    """Wakes the sessions that wait for their clients."""

    progress_age_s = 0.0

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()

    def stop(self) -> None:
        """Its tasks end with the loop."""

    async def wait(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._changed.wait(), _LONGEST_WAIT_S)


class SimulatedEngine:
    """As `Engine`, without a model. `step_ms`: how long a step lasts; steps of different runs run beside each other.

    `family`: that its models are said to be of.
    """

    def __init__(self, models: Sequence[str], family: FamilyDescription, *, slots: int, step_ms: float) -> None:
        self.models = tuple(models)
        self.family = family
        self.step_ms = step_ms
        self.incarnation = secrets.token_hex(8)
        self.device = SimulatedDevice()
        self.sessions: SessionBook[SimulatedSession] = SessionBook(slots)
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self) -> None:
        """There is nothing to load."""

    def check_served(self, model: str) -> None:
        """Raises WorkerError `model.not_served`."""
        if model not in self.models:
            raise WorkerError(
                "model.not_served",
                f'model "{model}" is not served here',
                field="spec.model",
                given=model,
                allowed=", ".join(self.models),
            )

    def family_of(self, model: str) -> FamilyDescription:
        """Raises WorkerError `model.not_served`."""
        self.check_served(model)
        return self.family

    def open_training(
        self,
        request: SegmentRequest,
        emit: Callable[[TrainEvent], None],
        fail: Callable[[WorkerError], None],
    ) -> SimulatedSession:
        """Starts a segment. Raises WorkerError as `Engine.open_training` does."""
        self.check_served(request.spec.model)
        session = self.sessions.open(
            request,
            lambda: SimulatedSession(
                request,
                towers=self.family.tower_names,
                model_fingerprint=fingerprint_of(request.spec.model),
                step_s=self.step_ms / 1000,
                wait=self.device.wait,
                emit=emit,
                fail=fail,
            ),
        )
        task = asyncio.create_task(session.run())
        self._tasks.add(task)  # the loop itself keeps only a weak reference
        task.add_done_callback(self._tasks.discard)
        return session

    def close_training(self, session: SimulatedSession) -> None:
        self.sessions.close(session)
        self.device.wake()

    def drain(self) -> None:
        self.sessions.drain()
        self.device.wake()
