"""A simulated segment: the same events in the same order as a real one's, under the same lease."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

from murnau_worker.engine.events import (
    Checkpoint,
    Finished,
    Judgement,
    Metrics,
    Sample,
    SampleKind,
    Started,
    TrainEvent,
)
from murnau_worker.engine.lease import Lease
from murnau_worker.engine.segment import SegmentRequest, StepRate, log_step
from murnau_worker.errors import WorkerError
from murnau_worker.simulated.learning import SimulatedState, eval_gain

NUMERIC_FINGERPRINT = "simulated"


class SimulatedSession:
    """`wait` returns when the client acknowledged something or the session's lease changed."""

    def __init__(
        self,
        request: SegmentRequest,
        *,
        model_fingerprint: str,
        step_s: float,
        wait: Callable[[], Awaitable[None]],
        emit: Callable[[TrainEvent], None],
        fail: Callable[[WorkerError], None],
    ) -> None:
        self.request = request
        self.lease = Lease(request.acknowledged_step, request.spec.checkpoint_every_steps)
        self.phase = "waiting"
        self.step = request.acknowledged_step
        self.rate = StepRate()
        self._model_fingerprint = model_fingerprint
        self._step_s = step_s
        self._wait = wait
        self._emit = emit
        self._fail = fail
        self._certified_step = request.acknowledged_step
        self._opened_at = time.monotonic()

    async def run(self) -> None:
        """The segment from its start to `finished`; ends early and silently when it is cancelled."""
        try:
            state = self._read_state()
        except WorkerError as error:
            self._fail(error)
            return
        self._say(Started(state.step, NUMERIC_FINGERPRINT, self._model_fingerprint, time.monotonic() - self._opened_at))
        while state.step < self.request.until_step and not self._is_over:
            if self.lease.end_reason == "draining":
                self._certify(state)
                break
            if not self.lease.allows_step_after(state.step):
                self.phase = "waiting for acknowledgement"
                await self._wait()
                continue
            self.phase = "training"
            await asyncio.sleep(self._step_s)
            if self._is_over:
                break
            state = state.after_a_step()
            self.step = state.step
            self.rate.count()
            log_step(self.request, self.step)
            for event in self._events_of(state):
                self._say(event)
        reached = self.step == self.request.until_step
        self._say(Finished(self.step, "until_step" if reached else self.lease.end_reason or "until_step"))

    @property
    def _is_over(self) -> bool:
        return self.lease.is_cancelled or self.lease.end_reason == "superseded"

    def _read_state(self) -> SimulatedState:
        request = self.request
        state = (
            SimulatedState.initial(request.spec.seed) if request.state is None else SimulatedState.read(request.state)
        )
        if state.step != request.acknowledged_step or state.step >= request.until_step:
            raise WorkerError(
                "spec.invalid",
                f"the state is of step {state.step}",
                field="start.acknowledged_step",
                given=f"{request.acknowledged_step}, until {request.until_step}",
                allowed=f"{state.step}, until a later step",
            )
        return state

    def _events_of(self, state: SimulatedState) -> Iterator[TrainEvent]:
        """What one step brings; its checkpoint comes last."""
        spec, step = self.request.spec, state.step
        gain = eval_gain(spec, step)
        yield Metrics(
            step,
            {
                "train_loss": 1.0 - gain,
                "learning_rate_t1": spec.learning_rate_t1,
                "learning_rate_t2": spec.learning_rate_t2,
            },
        )
        is_last = step == spec.max_steps
        is_evaluated = is_last or (spec.eval_every_steps > 0 and step % spec.eval_every_steps == 0)
        is_sampled = spec.samples.every_steps > 0 and step % spec.samples.every_steps == 0
        if is_evaluated:
            yield Metrics(step, {"eval_loss": 1.0 - gain, "eval_gain": gain})
        if is_sampled:
            yield from self._progress_samples(state, gain)
        if is_last:
            yield from self._final_samples(state, gain)
        is_due = step % spec.checkpoint_every_steps == 0 or step == self.request.until_step
        if is_due or is_evaluated or is_sampled:
            self._certify(state)

    def _progress_samples(self, state: SimulatedState, gain: float) -> Iterator[TrainEvent]:
        spec = self.request.spec
        prompts = [prompt for prompt in spec.samples.prompts for _ in range(spec.samples.per_prompt)]
        for position, prompt in enumerate(prompts):
            seed = spec.samples.seed + position % spec.samples.per_prompt
            word = prompt.replace("{placeholder}", spec.placeholder_token)
            yield _sample(state, "progress", position, word, seed, gain)
        if state.step < spec.max_steps:
            yield Metrics(state.step, {"image_alignment": gain})

    def _final_samples(self, state: SimulatedState, gain: float) -> Iterator[TrainEvent]:
        spec, samples = self.request.spec, self.request.spec.samples
        if samples.final_count == 0 or not samples.prompts:
            return
        yield Judgement(state.step, "simulated", spec.placeholder_token, spec.initializer_token)
        kinds: tuple[tuple[SampleKind, str, str, float], ...] = (
            ("final", spec.placeholder_token, "", gain),
            ("baseline", spec.initializer_token, "baseline_", 0.0),
            ("fuse_baseline", spec.initializer_token, "fuse_", 0.0),
        )
        for kind, word, prefix, alignment in kinds:
            for position in range(samples.final_count):
                prompt = samples.prompts[0].replace("{placeholder}", word)
                yield _sample(state, kind, position, prompt, samples.final_seed + position, alignment)
            scores = {f"{prefix}image_alignment": alignment, f"{prefix}text_alignment": alignment}
            yield Metrics(state.step, scores)

    def _certify(self, state: SimulatedState) -> None:
        if self._certified_step < state.step:
            self._certified_step = state.step
            embedding = state.embedding_bytes(self.request.spec, self._model_fingerprint)
            self._say(Checkpoint(state.step, state.to_bytes(), embedding))

    def _say(self, event: TrainEvent) -> None:
        if self.lease.is_cancelled or (self.lease.end_reason == "superseded" and not isinstance(event, Finished)):
            return
        self._emit(event)


def _sample(state: SimulatedState, kind: SampleKind, position: int, prompt: str, seed: int, alignment: float) -> Sample:
    png = state.png(kind, position)
    return Sample(state.step, kind, position, prompt, seed, png, image_alignment=alignment)
