"""One drawing call's work on the device, whatever its task."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.numeric_fingerprint import numeric_fingerprint
from murnau_worker.core.pictures import to_png
from murnau_worker.core.progress import Notice, Progress
from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.events import DrawEvent, Picture, Preview
from murnau_worker.drawing.options import DrawOptions, with_defaults
from murnau_worker.drawing.request import DrawHooks, DrawingTask, DrawRequest
from murnau_worker.engine.device_thread import Turn
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.families.family import FamilyModel
from murnau_worker.sessions.events import DrawnImage, DrawSessionEvent, DrawStarted
from murnau_worker.text.embedding_file import LearntEmbedding
from murnau_worker.text.prompt_reader import read_with


@dataclass(frozen=True)
class DrawJob:
    """A drawing as the client asks for it, checked as far as that needs no model."""

    model: str
    task: DrawingTask
    options: DrawOptions
    embeddings: tuple[LearntEmbedding, ...]
    seeds: tuple[int, ...]


class DrawSession:
    """A task of the device thread. The callbacks are given by the call and may be called from this thread."""

    is_interactive = True

    def __init__(
        self,
        job: DrawJob,
        models: ServedModels,
        hooks: DrawHooks,
        emit: Callable[[DrawSessionEvent], None],
        fail: Callable[[WorkerError], None],
        done: Callable[[], None],
    ) -> None:
        self.job = job
        self.is_cancelled = False
        self.latest = Progress("waiting")
        self._models = models
        self._hooks = hooks
        self._emit = emit
        self._fail = fail
        self._done = done

    def fail(self, error: WorkerError) -> None:
        self._fail(error)

    def turns(self) -> Iterator[Turn]:
        """Loads, draws and tells; ends early and silently when it is cancelled."""
        for event in self._events():
            if self.is_cancelled:
                return
            if event is not None:
                self._tell(event)
            yield Turn.WORKED
            if self.is_cancelled:
                return
        self._done()

    def _events(self) -> Iterator[DrawEvent | None]:
        job = self.job
        yield Progress("loading")
        model = self._models.load(job.model)
        for _ in model.prepare(job.task.name, self._tell_loading):
            yield None
        request = self._request(model)
        self._emit(DrawStarted(model.fingerprint, numeric_fingerprint(model.device, model.dtype)))
        yield from draw(model, request)

    def _tell_loading(self, part: str, done: int, total: int) -> None:
        if done < total:
            self._tell(Progress("loading", detail=f"{part}, {done + 1} of {total} parts"))

    def _request(self, model: FamilyModel) -> DrawRequest:
        job, hooks = self.job, self._hooks
        return DrawRequest(
            task=job.task,
            seeds=job.seeds,
            options=with_defaults(job.options, model, job.task.own_size),
            reader=read_with(model, job.embeddings, hooks.tokenizers),
            hooks=hooks,
        )

    def _tell(self, event: DrawEvent) -> None:
        if isinstance(event, Progress):
            self.latest = event
        self._emit(event if isinstance(event, Progress | Notice) else self._image(event))

    def _image(self, event: Picture | Preview) -> DrawnImage:
        png = to_png(event.pixels_3HW)
        return DrawnImage(event.place, self.job.seeds[event.place], png, is_preview=isinstance(event, Preview))
