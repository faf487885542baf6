"""One Train stream's work on the device: one segment of one run, for one epoch."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.numeric_fingerprint import numeric_fingerprint
from murnau_worker.engine.device_thread import Turn
from murnau_worker.engine.prepared_data import DataCache, PreparedData
from murnau_worker.engine.run_pictures import RunPictures
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.engine.step_work import StepWork, batching
from murnau_worker.sessions.events import Checkpoint, Finished, FinishReason, Log, Metrics, TrainEvent
from murnau_worker.sessions.leased_session import LeasedSession
from murnau_worker.sessions.segment import SegmentRequest, log_step
from murnau_worker.text.placeholder import check_placeholder
from murnau_worker.training.initial_rows import initial_rows, read_initializer
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.state import RunIdentity, spec_hash


class TrainingSession(LeasedSession):
    """A task of the device thread, which is where it calls `emit` and `fail`."""

    is_interactive = False

    def __init__(
        self,
        request: SegmentRequest,
        models: ServedModels,
        cache: DataCache,
        emit: Callable[[TrainEvent], None],
        fail: Callable[[WorkerError], None],
    ) -> None:
        super().__init__(request, emit, fail)
        self._models = models
        self._cache = cache

    def turns(self) -> Iterator[Turn | StepWork]:
        """The segment from loading to `finished`; ends early and silently when it is cancelled."""
        run: TrainingRun | None = None
        for loaded in self._load():
            yield Turn.WORKED
            if self._is_over:
                self._finish()
                return
            run = loaded
        assert run is not None
        name = run.spec.model
        model, judge = self._models.load(name), self._models.judge(name)
        reference = self.request.pictures[0]
        pictures = RunPictures(model, judge, run, reference, self._cache.baselines, self._emit_if_alive)
        # A run whose state has settled already ended here before: whoever heard that did not live to say so.
        while run.state.step < self.request.until_step and not run.has_settled and not self._is_over:
            if self.lease.end_reason == "draining":
                self._certify_run(run)
                break
            if not self.lease.allows_step_after(run.state.step):
                self.phase = "waiting for acknowledgement"
                yield Turn.BLOCKED
                continue
            for turn in self._one_step(run, pictures):
                yield turn
                if self._is_over:
                    break
        self._finish(run)

    def _finish(self, run: TrainingRun | None = None) -> None:
        reason: FinishReason = self.lease.end_reason or "until_step"
        if run is not None and run.has_settled and run.state.step < run.spec.max_steps:
            reason = "plateau"
        elif self.step == self.request.until_step:
            reason = "until_step"
        self._emit_if_alive(Finished(self.step, reason))

    def _certify_run(self, run: TrainingRun) -> None:
        self._certify(run.state.step, lambda: Checkpoint(run.state.step, run.state_bytes(), run.embedding_bytes()))

    def _load(self) -> Iterator[TrainingRun | None]:
        request, spec = self.request, self.request.spec
        self.phase = "loading"
        yield None
        model = self._models.load(spec.model)
        for _ in model.prepare("train", self._report_loading):
            yield None
        check_placeholder(spec.concept.placeholder_token, model.tokenizers)
        initializer = read_initializer(request.initializer)
        initial_rows(model, spec, initializer)  # refused before a picture is encoded
        yield None
        self.phase = "encoding pictures"
        data: PreparedData | None = None
        for prepared in self._cache.prepare(model, request.pictures, spec):
            yield None
            data = prepared
        assert data is not None
        numerics = numeric_fingerprint(model.device, model.dtype)
        identity = RunIdentity(
            spec_hash=spec_hash(spec),
            model_fingerprint=model.fingerprint,
            dataset_fingerprint=data.latents.fingerprint,
            numeric_fingerprint=f"{numerics}, {batching(spec)}",
        )
        run = TrainingRun(model, spec, data.latents, data.images, data.evaluator, identity, request.state, initializer)
        self._begin(run.state.step, identity.numeric_fingerprint, model.fingerprint)
        if run.state.numerics_changed_at and run.state.numerics_changed_at[-1] == run.state.step:
            message = f"the numeric fingerprint changed here; now: {identity.numeric_fingerprint}"
            self._emit_if_alive(Log("warning", message, run.state.step))
        yield run

    def _report_loading(self, part: str, done: int, total: int) -> None:
        self.phase = f"loading {part}, {min(done + 1, total)} of {total} parts"

    def _one_step(self, run: TrainingRun, pictures: RunPictures) -> Iterator[Turn | StepWork]:
        """One optimizer step with all that belongs to it; its checkpoint comes last."""
        self.phase = "training"
        work = StepWork(run, is_wanted=lambda: not self._is_over)
        yield work
        metrics = run.apply(work.gradients)
        step = self.step = run.state.step
        log_step(self.request, step)
        self._emit_if_alive(Metrics(step, metrics))
        self.rate.count()
        due = self._due(step)
        if due.evaluated:
            self.phase = "evaluating"
            for metrics in run.evaluate():
                yield Turn.WORKED
                if metrics is not None:
                    self._emit_if_alive(Metrics(step, metrics))
        has_settled = not due.last and run.has_settled
        if has_settled:
            self._emit_if_alive(Metrics(step, {"plateau": 1.0}))
        if due.sampled:
            self.phase = "sampling"
            yield from pictures.progress(is_last=due.last or has_settled)
        if due.last or has_settled:
            self.phase = "sampling"
            yield from pictures.final()
        if due.certified:
            self._certify_run(run)
