"""eval_loss: the joint loss of averaged rows on draws that are fixed by the dataset, never by the run.

64 stratified (picture, prompt, timestep, noise); 5 prior steps, no mask, uniform weight. `eval_gain` = 1 - L / L(empty
prompt), comparable across datasets. Legend: N samples of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.parts import Phase
from murnau_worker.models.text_towers import Pooling
from murnau_worker.sampling.tables import TRAINING_STEPS
from murnau_worker.textual_inversion.batches import noise_draws
from murnau_worker.textual_inversion.dataset import LatentSet
from murnau_worker.textual_inversion.draws import Draws
from murnau_worker.textual_inversion.objective import (
    LearntPair,
    NoiseDraws,
    TrainingBatch,
    decoder_losses,
    image_embeddings,
)
from murnau_worker.textual_inversion.prompts import PromptEncoder
from murnau_worker.textual_inversion.templates import TEMPLATES, TemplateSet

EVAL_SAMPLES = 64
EVAL_CHUNK = 8
_TOGETHER_IN_LITTLE_MEMORY = 4  # samples: eight need more than a training step with checkpointing
EVAL_PRIOR_STEPS = 5


@dataclass(frozen=True)
class _EvalChunk:
    latents_NCHW: torch.Tensor
    templates: tuple[str, ...]
    draws: NoiseDraws

    def pieces(self, size: int) -> Iterator[_EvalChunk]:
        """The same samples, at most `size` at a time."""
        draws = self.draws
        for start in range(0, len(self.templates), size):
            of = slice(start, start + size)
            yield _EvalChunk(
                latents_NCHW=self.latents_NCHW[of],
                templates=self.templates[of],
                draws=NoiseDraws(
                    noise_NCHW=draws.noise_NCHW[of],
                    timesteps_N=draws.timesteps_N[of],
                    prior_init_NE=draws.prior_init_NE[of],
                    prior_steps_SNE=draws.prior_steps_SNE[:, of],
                ),
            )


class Evaluator:
    """The fixed draws of one dataset and template set."""

    def __init__(self, model: Kandinsky, latents: LatentSet, templates: TemplateSet) -> None:
        self._model = model
        draws = Draws(latents.fingerprint)
        prompts = TEMPLATES[templates]
        stratum_of = draws.permutation("eval_stratum", 0, EVAL_SAMPLES)
        self._chunks: list[_EvalChunk] = []
        for start in range(0, EVAL_SAMPLES, EVAL_CHUNK):
            indices = range(start, start + EVAL_CHUNK)
            noise = noise_draws(model, draws, start, range(EVAL_CHUNK), latents.shape, EVAL_PRIOR_STEPS)
            timesteps = [
                int((stratum_of[index] + draws.uniform("eval_timestep", 0, index)) / EVAL_SAMPLES * TRAINING_STEPS)
                for index in indices
            ]
            order = draws.permutation("eval_template", 0, len(prompts))
            self._chunks.append(
                _EvalChunk(
                    latents_NCHW=torch.stack([latents.latents_n2CHW[i % len(latents), 0] for i in indices]),
                    templates=tuple(prompts[order[index % len(prompts)]] for index in indices),
                    draws=NoiseDraws(
                        noise.noise_NCHW,
                        torch.tensor(timesteps, device=model.device),
                        noise.prior_init_NE,
                        noise.prior_steps_SNE,
                    ),
                )
            )

    def loss(
        self, encoder: PromptEncoder, rows: LearntPair | None, pooling: Pooling, placeholder: str | None
    ) -> Iterator[float | None]:
        """Yields None after each chunk and the mean loss at the end. No placeholder: the empty prompt's loss."""
        model, t2_RD = self._model, rows.t2_RD if rows else None
        together = _TOGETHER_IN_LITTLE_MEMORY if model.checkpointing.is_on else EVAL_CHUNK
        poolings: list[Pooling] = [pooling] * together
        batches: list[TrainingBatch] = []
        for chunk in (piece for chunk in self._chunks for piece in chunk.pieces(together)):
            prompts = encoder.batch(
                [template.format(placeholder) if placeholder else "" for template in chunk.templates]
            )
            self._see_to("prior")
            with torch.inference_mode():
                image_NE = image_embeddings(model, prompts, t2_RD, poolings, chunk.draws)
            batches.append(TrainingBatch(chunk.latents_NCHW, prompts, chunk.draws, image_NE))
            yield None
        total = 0.0
        for batch in batches:
            self._see_to("decoder")
            with torch.inference_mode():
                losses_N = decoder_losses(model, batch, rows, poolings)
            total += float(losses_N.double().sum())
            yield None
        yield total / EVAL_SAMPLES

    def _see_to(self, half: Phase) -> None:
        """One half after the other needs no more memory than the phases of `split`; a joint step's parts may stay."""
        if not self._model.holds("joint"):
            self._model.hold(half)
