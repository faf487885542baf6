"""eval_loss: the joint loss of averaged rows on draws that are fixed by the dataset, never by the run.

64 stratified (picture, prompt, timestep, noise); 5 prior steps, no mask, uniform weight. `eval_gain` = 1 - L / L(empty
prompt), comparable across datasets. Legend: N samples of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import torch

from murnau_worker.core.batch import LearntPair, NoiseDraws, TrainingBatch
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import Pooling, TemplateSet
from murnau_worker.families.kandinsky21.condition import image_embeddings
from murnau_worker.families.kandinsky21.losses import decoder_losses, noise_draws
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.sampling.tables import TRAINING_STEPS
from murnau_worker.text.prompts import PromptEncoder
from murnau_worker.training.data.dataset import LatentSet
from murnau_worker.training.data.prompts import evaluation_text, worded
from murnau_worker.training.data.templates import TEMPLATES

EVAL_SAMPLES = 64
EVAL_CHUNK = 8
_TOGETHER_IN_LITTLE_MEMORY = 4  # samples: eight need more than a training step with checkpointing
EVAL_PRIOR_STEPS = 5
QUARTERS = 4  # parts of the timesteps that are also reported apart; 16 samples are stratified into each


@dataclass(frozen=True)
class _EvalChunk:
    """Samples of one shape; `texts` have `{placeholder}` in them."""

    latents_NCHW: torch.Tensor
    texts: tuple[str, ...]
    draws: NoiseDraws

    def pieces(self, size: int) -> Iterator[_EvalChunk]:
        """The same samples, at most `size` at a time."""
        draws = self.draws
        for start in range(0, len(self.texts), size):
            of = slice(start, start + size)
            yield _EvalChunk(
                latents_NCHW=self.latents_NCHW[of],
                texts=self.texts[of],
                draws=NoiseDraws(
                    noise_NCHW=draws.noise_NCHW[of],
                    timesteps_N=draws.timesteps_N[of],
                    prior_init_NE=draws.prior_init_NE[of],
                    prior_steps_SNE=draws.prior_steps_SNE[:, of],
                ),
            )


@dataclass(frozen=True)
class EvalLosses:
    """Losses of one evaluation's samples and the timesteps they were noised to, both [N] on the CPU."""

    losses_N: torch.Tensor
    timesteps_N: torch.Tensor

    @property
    def mean(self) -> float:
        return float(self.losses_N.mean())

    def by_quarter(self) -> dict[str, float]:
        """Mean loss of the timesteps of each quarter, as metrics: `eval_loss_0_249` to `eval_loss_750_999`."""
        width = TRAINING_STEPS // QUARTERS
        quarters_N = self.timesteps_N // width
        return {
            f"eval_loss_{quarter * width}_{(quarter + 1) * width - 1}": float(
                self.losses_N[quarters_N == quarter].mean()
            )
            for quarter in range(QUARTERS)
        }


class Evaluator:
    """The fixed draws of one dataset and template set: English templates, or the pictures' captions."""

    def __init__(self, model: Kandinsky, latents: LatentSet, templates: TemplateSet) -> None:
        self._model = model
        self._word_losses: dict[str, float] = {}
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

    def losses(
        self, encoder: PromptEncoder, rows: LearntPair | None, pooling: Pooling, placeholder: str | None
    ) -> Iterator[EvalLosses | None]:
        """Yields None after each chunk and what was found at the end. No placeholder: the empty prompt's losses."""
        model, t2_RD = self._model, rows.t2_RD if rows else None
        together = _TOGETHER_IN_LITTLE_MEMORY if model.checkpointing.is_on else EVAL_CHUNK
        batches: list[TrainingBatch] = []
        for chunk in self._chunks:
            for piece in chunk.pieces(together):
                prompts = encoder.batch([worded(text, placeholder) if placeholder else "" for text in piece.texts])
                poolings: list[Pooling] = [pooling] * len(piece.texts)
                self._see_to("prior")
                with torch.inference_mode():
                    image_NE = image_embeddings(model, prompts, t2_RD, poolings, piece.draws)
                batches.append(TrainingBatch(piece.latents_NCHW, prompts, piece.draws, image_NE))
                yield None
        found: list[torch.Tensor] = []
        for batch in batches:
            self._see_to("decoder")
            poolings = [pooling] * len(batch.latents_NCHW)
            with torch.inference_mode():
                found.append(decoder_losses(model, batch, rows, poolings).double().cpu())
            yield None
        timesteps_N = torch.cat([chunk.draws.timesteps_N.cpu() for chunk in self._chunks])
        yield EvalLosses(torch.cat(found), timesteps_N)

    def _see_to(self, half: str) -> None:
        """One half after the other needs no more memory than the phases of `split`; a joint step's parts may stay."""
        if not self._model.holds("joint"):
            self._model.hold(half)

    def word_loss(self, encoder: PromptEncoder, word: str) -> Iterator[float | None]:
        """Yields None after each chunk and the mean loss of a known word or phrase at the end.

        It does not depend on any run, so each word is evaluated once. Words that runs learn are not looked for in it.
        """
        found = self._word_losses.get(word)
        if found is None:
            for losses in self.losses(replace(encoder, words={}), None, "eot", word):
                yield None
                found = losses.mean if losses is not None else None
            assert found is not None
            self._word_losses[word] = found
        yield found


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
