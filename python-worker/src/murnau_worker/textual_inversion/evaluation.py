"""eval_loss: the joint loss of averaged rows on draws that are fixed by the dataset, never by the run.

64 stratified (picture, prompt, timestep, noise); 5 prior steps, no mask, uniform weight. `eval_gain` = 1 - L / L(empty
prompt), comparable across datasets. Legend: N samples of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.text_towers import Pooling
from murnau_worker.sampling.tables import TRAINING_STEPS
from murnau_worker.textual_inversion.batches import noise_draws
from murnau_worker.textual_inversion.dataset import LatentSet
from murnau_worker.textual_inversion.draws import Draws
from murnau_worker.textual_inversion.objective import LearntPair, NoiseDraws, TrainingBatch, decoder_losses
from murnau_worker.textual_inversion.prompts import PromptEncoder
from murnau_worker.textual_inversion.templates import TEMPLATES, TemplateSet
from murnau_worker.textual_inversion.training_prompts import evaluation_text, worded

EVAL_SAMPLES = 64
EVAL_CHUNK = 8
EVAL_PRIOR_STEPS = 5


@dataclass(frozen=True)
class _EvalChunk:
    """Samples of one shape; `texts` have `{placeholder}` in them."""

    latents_NCHW: torch.Tensor
    texts: tuple[str, ...]
    draws: NoiseDraws


class Evaluator:
    """The fixed draws of one dataset and template set: English templates, or the pictures' captions."""

    def __init__(self, model: Kandinsky, latents: LatentSet, templates: TemplateSet) -> None:
        self._model = model
        draws = Draws(latents.eval_seed)
        count = 1 if templates == "captions" else len(TEMPLATES["en"][templates])
        order = draws.permutation("eval_template", 0, count)
        self._chunks = [
            _EvalChunk(
                latents_NCHW=torch.stack([latents.latent(index % len(latents)) for index in indices]),
                texts=tuple(
                    evaluation_text(templates, latents.captions, index % len(latents), order[index % count])
                    for index in indices
                ),
                draws=_eval_draws(model, draws, indices, shape),
            )
            for shape, indices in _chunks_by_shape(latents)
        ]

    def loss(
        self, encoder: PromptEncoder, rows: LearntPair | None, pooling: Pooling, placeholder: str | None
    ) -> Iterator[float | None]:
        """Yields None after each chunk and the mean loss at the end. No placeholder: the empty prompt's loss."""
        total = 0.0
        for chunk in self._chunks:
            prompts = [worded(text, placeholder) if placeholder else "" for text in chunk.texts]
            poolings: list[Pooling] = [pooling] * len(prompts)
            batch = TrainingBatch(chunk.latents_NCHW, encoder.batch(prompts), chunk.draws)
            with torch.inference_mode():
                losses_N = decoder_losses(self._model, batch, rows, poolings)
            total += float(losses_N.double().sum())
            yield None
        yield total / EVAL_SAMPLES


def _chunks_by_shape(latents: LatentSet) -> Iterator[tuple[tuple[int, ...], list[int]]]:
    """Numbers of samples computed together, in chunks of one shape. The n-th sample shows picture n % pictures."""
    for bucket in latents.buckets:
        indices = [index for index in range(EVAL_SAMPLES) if index % len(latents) in bucket.places]
        for start in range(0, len(indices), EVAL_CHUNK):
            yield bucket.shape, indices[start : start + EVAL_CHUNK]


def _eval_draws(model: Kandinsky, draws: Draws, indices: Sequence[int], shape: tuple[int, ...]) -> NoiseDraws:
    """A sample's draws follow from its number and its shape, whatever it is computed with."""
    stratum_of = draws.permutation("eval_stratum", 0, EVAL_SAMPLES)
    timesteps = [
        int((stratum_of[index] + draws.uniform("eval_timestep", 0, index)) / EVAL_SAMPLES * TRAINING_STEPS)
        for index in indices
    ]
    noises: list[NoiseDraws] = []
    for index in indices:
        place = index % EVAL_CHUNK
        noises.append(noise_draws(model, draws, index - place, range(place, place + 1), shape, EVAL_PRIOR_STEPS))
    return NoiseDraws(
        noise_NCHW=torch.cat([noise.noise_NCHW for noise in noises]),
        timesteps_N=torch.tensor(timesteps, device=model.device),
        prior_init_NE=torch.cat([noise.prior_init_NE for noise in noises]),
        prior_steps_SNE=torch.cat([noise.prior_steps_SNE for noise in noises], dim=1),
    )
