"""One run on one model: its state moved by one optimizer step, evaluated, exported.

Legend: R rows, D row width.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator

import torch

from murnau_worker.core.batch import DecoderSamples, LearntPair, PriorSamples
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.phases import phase_of
from murnau_worker.text.embedding_file import LearntEmbedding, Published, write_embedding
from murnau_worker.text.prompts import LearntWord
from murnau_worker.training.data.dataset import LatentSet
from murnau_worker.training.data.image_embeddings import ImageEmbeddings
from murnau_worker.training.data.prompts import training_prompts
from murnau_worker.training.data.samples import SampleDraws, bucket_of_step
from murnau_worker.training.evaluation import EvalLosses, Evaluator
from murnau_worker.training.initial_rows import initial_rows
from murnau_worker.training.optimizer import TrainedRows
from murnau_worker.training.plateau import has_settled
from murnau_worker.training.state import Best, BestRows, Evaluation, RunIdentity, RunState, read_state, write_state
from murnau_worker.training.step import PackGroup, Share, StepGradients, apply_step, diverged, tower_setting


class TrainingRun:
    """A run's arithmetic. It knows no stream, no lease and no clock."""

    def __init__(
        self,
        model: Kandinsky,
        spec: TrainingSpec,
        latents: LatentSet,
        images: ImageEmbeddings,
        evaluator: Evaluator,
        identity: RunIdentity,
        state: bytes | None,
        initializer: LearntEmbedding | None = None,
    ) -> None:
        """`initializer`: rows to start from instead of the spec's words.

        Raises WorkerError for an initializer that does not fit or a state of another run.
        """
        self.model = model
        self.spec = spec
        self.latents = latents
        self.images = images
        self.evaluator = evaluator
        self.identity = identity
        self.encoder = model.encoder({spec.placeholder_token: LearntWord(0, spec.num_vectors)})
        initial = initial_rows(model, spec, initializer)
        prompts = training_prompts(
            self.encoder, spec.placeholder_token, spec.templates, spec.template_languages, latents.captions
        )
        self._samples = SampleDraws(model, spec, latents, images, prompts)
        self._pool_KE: torch.Tensor | None = None
        unit = spec.learning_rate_unit
        self.t1 = tower_setting(initial.t1_RD, model.scale_t1, spec.learning_rate_t1, unit)
        self.t2 = tower_setting(initial.t2_RD, model.scale_t2, spec.learning_rate_t2, unit)
        if state is None:
            t1, t2 = (TrainedRows(tower.initial_RD, spec.optimizer) for tower in (self.t1, self.t2))
            self.state = RunState(t1, t2)
        else:
            shapes = (self.t1.initial_RD.shape, self.t2.initial_RD.shape)
            self.state = read_state(state, identity, shapes, spec.optimizer)

    @property
    def averaged_rows(self) -> LearntPair:
        """The moving average, or the rows themselves where none is kept."""
        state = self.state
        if self.spec.ema_decay == 0.0:
            return LearntPair(state.t1.rows_RD, state.t2.rows_RD)
        return LearntPair(state.t1.averaged_RD, state.t2.averaged_RD)

    @property
    def phase(self) -> str:
        """The loss of its next step."""
        return phase_of(self.spec, self.state.step)

    @property
    def group(self) -> PackGroup:
        """Which runs its next step can share a batch with."""
        phase = self.phase
        bucket, _ = bucket_of_step(Draws(self.spec.seed), self.state.step, self.latents)
        return PackGroup(
            self.spec.model,
            phase,
            latent_shape=() if phase == "prior" else self.latents.buckets[bucket].shape,
            prior_steps=self.spec.prior_steps if phase == "joint" else 0,
        )

    def share(self, samples: range) -> Share:
        """Some samples, of 0..effective_batch-1, of the next step. It changes nothing: asked again it is the same."""
        spec, state = self.spec, self.state
        return Share(
            rows=LearntPair(state.t1.rows_RD, state.t2.rows_RD),
            pooling=spec.pooling,
            weight=1.0 / spec.effective_batch,
            samples=self._draw(samples),
            dropout_seed=Draws(spec.seed).integer("dropout", state.step, samples.start, 2**53)
            if spec.text_dropout
            else None,
        )

    def _draw(self, samples: range) -> DecoderSamples | PriorSamples:
        step, phase = self.state.step, self.phase
        if phase == "prior":
            return self._samples.of_prior(step, samples)
        return self._samples.of_decoder(step, samples, self._pool() if phase == "decoder" else None)

    def _pool(self) -> torch.Tensor:
        """What the learnt t2, which this phase leaves alone, makes the prior sample; after a resume the same."""
        if self._pool_KE is None:
            self._pool_KE = self._samples.pool(self.averaged_rows.t2_RD, self.spec.pooling, self.model.t1_pad_id)
        return self._pool_KE

    def apply(self, gradients: StepGradients) -> dict[str, float]:
        """One optimizer step with the gradients of its whole batch; its metrics. Raises WorkerError `run.diverged`."""
        return apply_step(self.spec, self.state, (self.t1, self.t2), gradients)

    def evaluate(self) -> Iterator[dict[str, float] | None]:
        """Evaluates the averaged rows; yields None after each chunk, the metrics at the end.

        Raises WorkerError `run.diverged` where the loss is no number.
        """
        state, spec = self.state, self.spec
        if state.empty_eval_loss is None:
            for empty in self.evaluator.losses(self.encoder, None, spec.pooling, None):
                yield None
                state.empty_eval_loss = empty.mean if empty is not None else None
        found: EvalLosses | None = None
        for losses in self.evaluator.losses(self.encoder, self.averaged_rows, spec.pooling, spec.placeholder_token):
            yield None
            found = losses
        assert found is not None
        assert state.empty_eval_loss is not None
        loss = found.mean
        if not math.isfinite(loss):
            raise diverged(spec, f"the evaluation's loss is no number any more at step {state.step}")
        gain = 1.0 - loss / state.empty_eval_loss
        state.evaluations.append(Evaluation(step=state.step, eval_loss=loss, eval_gain=gain))
        if state.best is None or loss < state.best.eval_loss:
            self._keep_as_best(loss)
        yield {"eval_loss": loss, "eval_gain": gain, **found.by_quarter()}

    def _keep_as_best(self, loss: float) -> None:
        state, rows = self.state, self.averaged_rows
        state.best_rows = BestRows(rows.t1_RD.detach().clone(), rows.t2_RD.detach().clone())
        content_hash = hashlib.sha256(self._file_of(rows, state.step, "best")).hexdigest()
        state.best = Best(step=state.step, eval_loss=loss, hash=content_hash)

    @property
    def has_settled(self) -> bool:
        """Whether the plateau rule ends the run here: it looks right after an evaluation only."""
        evaluations = self.state.evaluations
        is_fresh = bool(evaluations) and evaluations[-1].step == self.state.step
        return self.spec.stop_at_plateau and is_fresh and has_settled(evaluations)

    def state_bytes(self) -> bytes:
        return write_state(self.state, self.identity)

    @property
    def published_rows(self) -> LearntPair:
        """What `spec.publish` says; the averaged rows where the best is asked for and none was evaluated yet."""
        state = self.state
        if self.spec.publish == "last":
            return LearntPair(state.t1.rows_RD, state.t2.rows_RD)
        if self.spec.publish == "best" and state.best_rows is not None:
            return LearntPair(state.best_rows.t1_RD, state.best_rows.t2_RD)
        return self.averaged_rows

    def embedding_bytes(self) -> bytes:
        """The learnt embedding (the published rows) as a canonical file, which names which rows these are."""
        state, published = self.state, self.spec.publish
        if published == "best":
            if state.best is None:
                return self._file_of(self.averaged_rows, state.step, "averaged")
            return self._file_of(self.published_rows, state.best.step, "best")
        return self._file_of(self.published_rows, state.step, published)

    def _file_of(self, rows: LearntPair, step: int, published: Published) -> bytes:
        spec = self.spec
        return write_embedding(
            LearntEmbedding(
                placeholder_token=spec.placeholder_token,
                t1_RD=rows.t1_RD,
                t2_RD=rows.t2_RD,
                pooling=spec.pooling,
                initializer_token=spec.initializer_token,
                model_fingerprint=self.identity.model_fingerprint,
                spec_json=spec.model_dump_json(),
                step=step,
                published=published,
            )
        )
