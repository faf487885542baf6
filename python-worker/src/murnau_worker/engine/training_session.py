"""One Train stream's work on the device: one segment of one run, for one epoch."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from murnau_worker.checkpoints.run_state import RunIdentity, spec_hash
from murnau_worker.engine.device_thread import Turn
from murnau_worker.engine.events import Checkpoint, Finished, FinishReason, Log, Metrics, Started, TrainEvent
from murnau_worker.engine.final_pictures import RunPictures
from murnau_worker.engine.lease import Lease
from murnau_worker.engine.prepared_data import DataCache, PreparedData
from murnau_worker.engine.segment import SegmentRequest, StepRate, log_step
from murnau_worker.engine.step_work import StepWork, batching
from murnau_worker.errors import WorkerError
from murnau_worker.models.parts import PartName
from murnau_worker.models.registry import ModelRegistry
from murnau_worker.textual_inversion.fingerprint import numeric_fingerprint
from murnau_worker.textual_inversion.initializers import initial_rows, read_initializer
from murnau_worker.textual_inversion.placeholders import check_placeholder
from murnau_worker.textual_inversion.run import TrainingRun


class TrainingSession:
    """A task of the device thread. `emit` and `fail` are given by the stream and may be called from this thread."""

    is_interactive = False

    def __init__(
        self,
        request: SegmentRequest,
        models: ModelRegistry,
        cache: DataCache,
        emit: Callable[[TrainEvent], None],
        fail: Callable[[WorkerError], None],
    ) -> None:
        self.request = request
        self.lease = Lease(request.acknowledged_step, request.spec.checkpoint_every_steps)
        self.phase = "waiting"
        self.step = request.acknowledged_step
        self._certified_step = request.acknowledged_step
        self.rate = StepRate()
        self._models = models
        self._cache = cache
        self._emit = emit
        self._fail = fail
        self._opened_at = time.monotonic()

    def fail(self, error: WorkerError) -> None:
        self._fail(error)

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
                self._certify(run)
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

    def _certify(self, run: TrainingRun) -> None:
        """Sends the state after the newest step, once: the last event of its step."""
        if self._certified_step < run.state.step:
            self._certified_step = run.state.step
            self._emit_if_alive(Checkpoint(run.state.step, run.state_bytes(), run.embedding_bytes()))

    @property
    def _is_over(self) -> bool:
        """Cancelled or superseded: what was not yet said is not said any more."""
        return self.lease.is_cancelled or self.lease.end_reason == "superseded"

    def _load(self) -> Iterator[TrainingRun | None]:
        request, spec = self.request, self.request.spec
        self.phase = "loading"
        yield None
        model = self._models.load(spec.model)
        for _ in model.prepare("train", self._report_loading):
            yield None
        check_placeholder(spec.placeholder_token, model.tokenizers)
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
        if run.state.step != request.acknowledged_step:
            raise WorkerError(
                "spec.invalid",
                f"the state is of step {run.state.step}, the newest stored step is said to be "
                f"{request.acknowledged_step}",
                field="start.acknowledged_step",
                given=str(request.acknowledged_step),
                allowed=str(run.state.step),
            )
        if run.state.step >= request.until_step:
            raise WorkerError(
                "spec.invalid",
                f"the state is of step {run.state.step} already",
                field="start.until_step",
                given=str(request.until_step),
                allowed=f"{run.state.step + 1} to {spec.max_steps}",
            )
        self.step = run.state.step
        self._emit_if_alive(
            Started(run.state.step, identity.numeric_fingerprint, model.fingerprint, time.monotonic() - self._opened_at)
        )
        if run.state.numerics_changed_at and run.state.numerics_changed_at[-1] == run.state.step:
            message = f"the numeric fingerprint changed here; now: {identity.numeric_fingerprint}"
            self._emit_if_alive(Log("warning", message, run.state.step))
        yield run

    def _report_loading(self, part: PartName, done: int, total: int) -> None:
        self.phase = f"loading {part}, {min(done + 1, total)} of {total} parts"

    def _one_step(self, run: TrainingRun, pictures: RunPictures) -> Iterator[Turn | StepWork]:
        """One optimizer step with all that belongs to it; its checkpoint comes last."""
        spec = run.spec
        self.phase = "training"
        work = StepWork(run, is_wanted=lambda: not self._is_over)
        yield work
        metrics = run.apply(work.gradients)
        step = self.step = run.state.step
        log_step(self.request, step)
        self._emit_if_alive(Metrics(step, metrics))
        self.rate.count()
        is_last = step == spec.max_steps
        is_evaluated = is_last or (spec.eval_every_steps > 0 and step % spec.eval_every_steps == 0)
        is_sampled = spec.samples.every_steps > 0 and step % spec.samples.every_steps == 0
        if is_evaluated:
            self.phase = "evaluating"
            for metrics in run.evaluate():
                yield Turn.WORKED
                if metrics is not None:
                    self._emit_if_alive(Metrics(step, metrics))
        has_settled = not is_last and run.has_settled
        if has_settled:
            self._emit_if_alive(Metrics(step, {"plateau": 1.0}))
        if is_sampled:
            self.phase = "sampling"
            yield from pictures.progress(is_last=is_last or has_settled)
        if is_last or has_settled:
            self.phase = "sampling"
            yield from pictures.final()
        is_due = step % spec.checkpoint_every_steps == 0 or step == self.request.until_step
        if is_due or is_evaluated or is_sampled:
            self._certify(run)

    def _emit_if_alive(self, event: TrainEvent) -> None:
        """A cancelled or superseded session says nothing more but that it ended."""
        if self.lease.is_cancelled or (self.lease.end_reason == "superseded" and not isinstance(event, Finished)):
            return
        self._emit(event)
