"""One run on one model: its state moved by one optimizer step, evaluated, exported.

Legend: R rows, D row width.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Iterator, Mapping

import torch

from murnau_worker.core.batch import Rows
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.families.family import FamilyModel
from murnau_worker.text.embedding_file import LearntEmbedding, Published, write_embedding
from murnau_worker.text.prompts import LearntWord
from murnau_worker.training.data.dataset import LatentSet
from murnau_worker.training.data.image_embeddings import ImageEmbeddings
from murnau_worker.training.data.prompts import training_prompts
from murnau_worker.training.data.samples import SampleDraws, bucket_of_step
from murnau_worker.training.evaluation import EvalLosses, Evaluator
from murnau_worker.training.initial_rows import initial_rows
from murnau_worker.training.optimizer import TrainedRows, tower_setting
from murnau_worker.training.plateau import has_settled
from murnau_worker.training.shares import PackGroup, Share, StepGradients
from murnau_worker.training.state import Best, Evaluation, RunIdentity, RunState, read_state, write_state
from murnau_worker.training.step import apply, diverged, draw


class TrainingRun:
    """A run's arithmetic. It knows no stream, no lease and no clock."""

    def __init__(
        self,
        model: FamilyModel,
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
        concept, optimizer, data = spec.concept, spec.optimizer, spec.data
        self.encoder = model.encoder({concept.placeholder_token: LearntWord(0, concept.num_vectors)})
        initial = initial_rows(model, spec, initializer)
        self._prompts = training_prompts(
            self.encoder, concept.placeholder_token, data.templates, data.template_languages, latents.captions
        )
        self._samples = SampleDraws(model, spec, latents, images, self._prompts)
        self._constants_of_phase: tuple[str, Mapping[str, torch.Tensor]] | None = None
        rates, unit = optimizer.learning_rates, optimizer.learning_rate_unit
        self.settings = {
            tower: tower_setting(rows_RD, model.scale(tower), rates[tower], unit) for tower, rows_RD in initial.items()
        }
        if state is None:
            self.state = RunState({tower: TrainedRows(rows_RD, optimizer.name) for tower, rows_RD in initial.items()})
        else:
            shapes = {tower: rows_RD.shape for tower, rows_RD in initial.items()}
            self.state = read_state(state, identity, shapes, optimizer.name)

    @property
    def averaged_rows(self) -> Rows:
        """The moving average, or the rows themselves where none is kept."""
        if self.spec.optimizer.ema_decay == 0.0:
            return self.state.rows
        return {tower: trained.averaged_RD for tower, trained in self.state.towers.items()}

    @property
    def phase(self) -> str:
        """The loss of its next step."""
        return self.model.phase_of(self.spec, self.state.step)

    @property
    def group(self) -> PackGroup:
        """Which runs its next step can share a batch with."""
        phase = self.phase
        bucket, _ = bucket_of_step(self.state.step, self.latents)
        reads_latents = self.model.description.phase(phase).reads_latents
        return PackGroup(
            self.spec.model,
            phase,
            latent_shape=self.latents.buckets[bucket].shape if reads_latents else (),
            key=self.model.pack_key(self.spec, phase),
        )

    def share(self, numbers: range) -> Share:
        """Some samples, of 0..effective_batch-1, of the next step. It changes nothing: asked again it is the same."""
        return draw(self._samples, self.state, self.phase, numbers, self._constants())

    def _constants(self) -> Mapping[str, torch.Tensor]:
        """What does not change in the phase of the next step; after a resume the same."""
        phase, known = self.phase, self._constants_of_phase
        if known is None or known[0] != phase:
            found = self.model.phase_constants(phase, self.spec, self.averaged_rows, self._prompts.first_language)
            known = self._constants_of_phase = phase, found
        return known[1]

    def apply(self, gradients: StepGradients) -> dict[str, float]:
        """One optimizer step with the gradients of its whole batch; its metrics. Raises WorkerError `run.diverged`."""
        schedule_place = self.model.schedule_place(self.spec, self.state.step)
        return apply(self.spec, self.state, self.settings, schedule_place, gradients)

    def evaluate(self) -> Iterator[dict[str, float] | None]:
        """Evaluates the averaged rows; yields None after each chunk, the metrics at the end.

        Raises WorkerError `run.diverged` where the loss is no number.
        """
        state, spec = self.state, self.spec
        if state.empty_eval_loss is None:
            for empty in self.evaluator.losses(self.encoder, {}, spec.pooling, None):
                yield None
                state.empty_eval_loss = empty.mean if empty is not None else None
        found: EvalLosses | None = None
        word = spec.concept.placeholder_token
        for losses in self.evaluator.losses(self.encoder, self.averaged_rows, spec.pooling, word):
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
        state.best_rows = {tower: rows_RD.detach().clone() for tower, rows_RD in rows.items()}
        content_hash = hashlib.sha256(self._file_of(rows, state.step, "best")).hexdigest()
        state.best = Best(step=state.step, eval_loss=loss, hash=content_hash)

    @property
    def has_settled(self) -> bool:
        """Whether the plateau rule ends the run here: it looks right after an evaluation only."""
        evaluations = self.state.evaluations
        is_fresh = bool(evaluations) and evaluations[-1].step == self.state.step
        return self.spec.evaluation.stop_at_plateau and is_fresh and has_settled(evaluations)

    def state_bytes(self) -> bytes:
        return write_state(self.state, self.identity)

    @property
    def published_rows(self) -> Rows:
        """What the spec publishes; the averaged rows where the best is asked for and none was evaluated yet."""
        state, publish = self.state, self.spec.evaluation.publish
        if publish == "last":
            return state.rows
        if publish == "best" and state.best_rows is not None:
            return state.best_rows
        return self.averaged_rows

    def embedding_bytes(self) -> bytes:
        """The learnt embedding (the published rows) as a canonical file, which names which rows these are."""
        state, published = self.state, self.spec.evaluation.publish
        if published == "best":
            if state.best is None:
                return self._file_of(self.averaged_rows, state.step, "averaged")
            return self._file_of(self.published_rows, state.best.step, "best")
        return self._file_of(self.published_rows, state.step, published)

    def _file_of(self, rows: Rows, step: int, published: Published) -> bytes:
        spec = self.spec
        return write_embedding(
            LearntEmbedding(
                placeholder_token=spec.concept.placeholder_token,
                rows=rows,
                pooling=spec.pooling,
                initializer_token=spec.concept.initializer_token,
                model_fingerprint=self.identity.model_fingerprint,
                spec_json=spec.model_dump_json(),
                step=step,
                published=published,
            )
        )
