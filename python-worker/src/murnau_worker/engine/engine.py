"""The engine: the device thread, the models, and which sessions are on it. Used by the asyncio side."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.drawing.request import DrawHooks
from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.device_thread import DeviceThread, Turn
from murnau_worker.engine.drawing_session import DrawJob, DrawSession
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.engine.served_models_file import ModelEntry
from murnau_worker.engine.training_session import TrainingSession
from murnau_worker.families.description import FamilyDescription
from murnau_worker.families.family import FamilyModel
from murnau_worker.sessions.events import DrawSessionEvent, TrainEvent
from murnau_worker.sessions.segment import SegmentRequest
from murnau_worker.sessions.session_book import SessionBook

_PRELOADED_TASKS: tuple[str, ...] = ("train", "text2img")


class _Preload:
    """Reads what training and text2img need of every served model before the first request does, part by part.

    A folder that can not be read says so again when it is asked for.
    """

    is_interactive = True

    def __init__(self, models: ServedModels) -> None:
        self._models = models

    def turns(self) -> Iterator[Turn]:
        for name in self._models.served:
            try:
                yield from self._read(self._models.load(name))
            except WorkerError as error:  # the next model may be in order
                self.fail(error)

    def _read(self, model: FamilyModel) -> Iterator[Turn]:
        for task in _PRELOADED_TASKS:
            if task in model.tasks:
                for _ in model.prepare(task):
                    yield Turn.WORKED
        _ = model.tokenizers
        yield Turn.WORKED

    def fail(self, error: WorkerError) -> None:
        get_logger().error(error.message, extra={"code": error.code})


class Engine:
    """Sessions by run, their epochs, and the thread they run on. Not thread-safe: one asyncio loop calls it."""

    def __init__(
        self,
        models: Mapping[str, ModelEntry | Path],
        *,
        threads: int,
        slots: int,
        max_samples: int = 0,
        memory_limit_bytes: int = 0,
        cache: Path | None = None,
        hooks: DrawHooks | None = None,
    ) -> None:
        """`max_samples`: how many samples are trained together at most; 0: measured.

        `memory_limit_bytes`: of all resident parts together (0: none). `cache`: see ServedModels.

        `hooks`: for tests, see DrawHooks.
        """
        self.models = ServedModels(models, memory_limit_bytes=memory_limit_bytes, cache=cache)
        self.threads = threads
        self.incarnation = secrets.token_hex(8)
        self.device = DeviceThread(threads, Packer(Capacities(max_samples)))
        self._cache = DataCache()
        self._sessions: SessionBook[TrainingSession] = SessionBook(slots)
        self._hooks = hooks or DrawHooks()
        self._drawings: set[DrawSession] = set()

    def start(self) -> None:
        """Starts the device thread and lets it read the models at once, so that the first run need not wait."""
        self.device.start()
        self.device.submit(_Preload(self.models))

    def family_of(self, model: str) -> FamilyDescription:
        """Raises WorkerError `model.not_served`."""
        return self.models.load(model).description

    @property
    def slots(self) -> int:
        return self._sessions.slots

    @property
    def running(self) -> int:
        return len(self._sessions)

    @property
    def generating(self) -> int:
        return len(self._drawings)

    @property
    def steps_per_second(self) -> float:
        return self._sessions.steps_per_second

    def open_training(
        self,
        request: SegmentRequest,
        emit: Callable[[TrainEvent], None],
        fail: Callable[[WorkerError], None],
    ) -> TrainingSession:
        """Puts a segment on the device.

        Raises WorkerError: `worker.unavailable` when draining or full, `claim.stale` for an epoch below
        the run's newest one. The newest epoch ends the run's older session.
        """
        self.models.find(request.spec.model)
        session = self._sessions.open(request, lambda: TrainingSession(request, self.models, self._cache, emit, fail))
        self.device.submit(session)
        return session

    def close_training(self, session: TrainingSession) -> None:
        """The stream ended, for whatever reason: the session leaves the device after its current turn."""
        self._sessions.close(session)
        self.device.wake()

    def open_drawing(
        self,
        job: DrawJob,
        emit: Callable[[DrawSessionEvent], None],
        fail: Callable[[WorkerError], None],
        done: Callable[[], None],
    ) -> DrawSession:
        """Raises WorkerError `model.not_served` or `worker.unavailable`."""
        self._sessions.check_open()
        self.models.find(job.model)
        session = DrawSession(job, self.models, self._hooks, emit, fail, done)
        self._drawings.add(session)
        self.device.submit(session)
        return session

    def close_drawing(self, session: DrawSession) -> None:
        session.is_cancelled = True
        self._drawings.discard(session)

    def drain(self) -> None:
        """No new work; each run stops at a checkpoint after its current step."""
        self._sessions.drain()
        self.device.wake()
