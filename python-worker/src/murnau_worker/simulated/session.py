"""A simulated segment: the same events in the same order as a real one's, under the same lease."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator, Sequence

from murnau_worker.core.errors import WorkerError
from murnau_worker.sessions.events import Checkpoint, Finished, Judgement, Metrics, Sample, SampleKind, TrainEvent
from murnau_worker.sessions.leased_session import LeasedSession
from murnau_worker.sessions.segment import SegmentRequest, log_step
from murnau_worker.simulated.learning import SimulatedState, eval_gain

NUMERIC_FINGERPRINT = "simulated"


class SimulatedSession(LeasedSession):
    """`wait` returns when the client acknowledged something or the session's lease changed."""

    def __init__(
        self,
        request: SegmentRequest,
        *,
        towers: Sequence[str],
        model_fingerprint: str,
        step_s: float,
        wait: Callable[[], Awaitable[None]],
        emit: Callable[[TrainEvent], None],
        fail: Callable[[WorkerError], None],
    ) -> None:
        super().__init__(request, emit, fail)
        self._towers = towers
        self._model_fingerprint = model_fingerprint
        self._step_s = step_s
        self._wait = wait

    async def run(self) -> None:
        """The segment from its start to `finished`; ends early and silently when it is cancelled."""
        try:
            state = self._read_state()
            self._begin(state.step, NUMERIC_FINGERPRINT, self._model_fingerprint)
        except WorkerError as error:
            self.fail(error)
            return
        while state.step < self.request.until_step and not self._is_over:
            if self.lease.end_reason == "draining":
                self._certify_state(state)
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
                self._emit_if_alive(event)
        reached = self.step == self.request.until_step
        self._emit_if_alive(Finished(self.step, "until_step" if reached else self.lease.end_reason or "until_step"))

    def _read_state(self) -> SimulatedState:
        given = self.request.state
        return SimulatedState.initial(self.request.spec.seed) if given is None else SimulatedState.read(given)

    def _events_of(self, state: SimulatedState) -> Iterator[TrainEvent]:
        """What one step brings; its checkpoint comes last."""
        spec, step = self.request.spec, state.step
        gain = eval_gain(spec, step)
        yield Metrics(
            step,
            {
                "train_loss": 1.0 - gain,
                **{f"learning_rate_{tower}": rate for tower, rate in spec.optimizer.learning_rates.items()},
            },
        )
        due = self._due(step)
        if due.evaluated:
            yield Metrics(step, {"eval_loss": 1.0 - gain, "eval_gain": gain})
        if due.sampled:
            yield from self._progress_samples(state, gain)
        if due.last:
            yield from self._final_samples(state, gain)
        if due.certified:
            self._certify_state(state)

    def _progress_samples(self, state: SimulatedState, gain: float) -> Iterator[TrainEvent]:
        spec = self.request.spec
        prompts = [prompt for prompt in spec.samples.prompts for _ in range(spec.samples.per_prompt)]
        for position, prompt in enumerate(prompts):
            seed = spec.samples.seed + position % spec.samples.per_prompt
            word = prompt.replace("{placeholder}", spec.concept.placeholder_token)
            yield _sample(state, "progress", position, word, seed, gain)
        if state.step < spec.max_steps:
            yield Metrics(state.step, {"image_alignment": gain})

    def _final_samples(self, state: SimulatedState, gain: float) -> Iterator[TrainEvent]:
        spec, samples = self.request.spec, self.request.spec.samples
        if samples.final_count == 0 or not samples.prompts:
            return
        yield Judgement(state.step, "simulated", spec.concept.placeholder_token, spec.concept.initializer_token)
        kinds: tuple[tuple[SampleKind, str, str, float], ...] = (
            ("final", spec.concept.placeholder_token, "", gain),
            ("baseline", spec.concept.initializer_token, "baseline_", 0.0),
            ("fuse_baseline", spec.concept.initializer_token, "fuse_", 0.0),
        )
        for kind, word, prefix, alignment in kinds:
            for position in range(samples.final_count):
                prompt = samples.prompts[0].replace("{placeholder}", word)
                yield _sample(state, kind, position, prompt, samples.final_seed + position, alignment)
            scores = {f"{prefix}image_alignment": alignment, f"{prefix}text_alignment": alignment}
            yield Metrics(state.step, scores)

    def _certify_state(self, state: SimulatedState) -> None:
        def checkpoint() -> Checkpoint:
            embedding = state.embedding_bytes(self.request.spec, self._towers, self._model_fingerprint)
            return Checkpoint(state.step, state.to_bytes(), embedding)

        self._certify(state.step, checkpoint)


def _sample(state: SimulatedState, kind: SampleKind, position: int, prompt: str, seed: int, alignment: float) -> Sample:
    png = state.png(kind, position)
    return Sample(state.step, kind, position, prompt, seed, png, image_alignment=alignment)
