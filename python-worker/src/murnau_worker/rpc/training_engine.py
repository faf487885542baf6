"""What the gRPC side needs of an engine that trains: the real one, or the simulated one. Loads no torch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.description import FamilyDescription
from murnau_worker.sessions.events import TrainEvent
from murnau_worker.sessions.segment import SegmentRequest
from murnau_worker.sessions.session_book import SessionT


class ServedDevice(Protocol):
    """Where the sessions run."""

    @property
    def progress_age_s(self) -> float: ...

    def wake(self) -> None: ...

    def stop(self) -> None: ...


class TrainingEngine(Protocol[SessionT]):
    """Takes segments in; see `Engine` for what each raises."""

    @property
    def device(self) -> ServedDevice: ...

    def start(self) -> None: ...

    def family_of(self, model: str) -> FamilyDescription:
        """The family of a served model. Raises WorkerError `model.not_served`."""
        ...

    def open_training(
        self,
        request: SegmentRequest,
        emit: Callable[[TrainEvent], None],
        fail: Callable[[WorkerError], None],
    ) -> SessionT: ...

    def close_training(self, session: SessionT) -> None: ...

    def drain(self) -> None: ...
