"""Which runs are trained here, and by which epoch: the fencing of a worker. Loads no torch."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Generic, TypeVar

from murnau_worker.core.errors import WorkerError
from murnau_worker.sessions.leased_session import LeasedSession
from murnau_worker.sessions.segment import SegmentRequest

_REMEMBERED_EPOCHS = 10_000


SessionT = TypeVar("SessionT", bound=LeasedSession)


class SessionBook(Generic[SessionT]):
    """Sessions by run and the newest epoch of each run. Not thread-safe: one asyncio loop calls it."""

    def __init__(self, slots: int) -> None:
        self.slots = slots
        self.is_draining = False
        self._sessions: dict[str, SessionT] = {}
        self._epochs: OrderedDict[str, int] = OrderedDict()

    def __len__(self) -> int:
        return len(self._sessions)

    @property
    def steps_per_second(self) -> float:
        return sum(session.rate.per_second for session in self._sessions.values())

    def check_open(self) -> None:
        """Raises WorkerError `worker.unavailable` once the worker drains."""
        if self.is_draining:
            raise WorkerError("worker.unavailable", "the worker is shutting down")

    def open(self, request: SegmentRequest, create: Callable[[], SessionT]) -> SessionT:
        """Takes a segment in; the newest epoch ends the run's older session.

        Raises WorkerError: `worker.unavailable` when draining or full, `claim.stale` for an epoch below the run's
        newest one.
        """
        self.check_open()
        newest = self._epochs.get(request.run_id, 0)
        if request.epoch < newest:
            raise WorkerError(
                "claim.stale",
                f"run {request.run_id} was taken over by epoch {newest}",
                field="start.epoch",
                given=str(request.epoch),
                allowed=f"{newest} or above",
            )
        older = self._sessions.get(request.run_id)
        if older is None and len(self._sessions) >= self.slots:
            raise WorkerError("worker.unavailable", f"all {self.slots} slots of this worker are taken")
        self._epochs[request.run_id] = request.epoch
        self._epochs.move_to_end(request.run_id)
        while len(self._epochs) > _REMEMBERED_EPOCHS:
            self._epochs.popitem(last=False)
        if older is not None:
            older.lease.end_reason = "superseded"
        session = self._sessions[request.run_id] = create()
        return session

    def close(self, session: SessionT) -> None:
        """The stream ended, for whatever reason: the session leaves the device after its current turn."""
        session.lease.is_cancelled = True
        if self._sessions.get(session.request.run_id) is session:
            del self._sessions[session.request.run_id]

    def drain(self) -> None:
        """No new work; each run stops at a checkpoint after its current step."""
        self.is_draining = True
        for session in self._sessions.values():
            session.lease.end_reason = session.lease.end_reason or "draining"
