"""eval_loss: the loss of averaged rows on draws that are fixed by the dataset, never by the run.

64 stratified (picture, prompt, timestep, noise); no mask, uniform weight. `eval_gain` = 1 - L / L(empty prompt),
comparable across datasets. Legend: N samples of a chunk.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from murnau_worker.core.batch import Batch, Rows
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TemplateSet
from murnau_worker.families.family import FamilyModel
from murnau_worker.sampling.tables import TRAINING_STEPS
from murnau_worker.text.prompts import PromptEncoder
from murnau_worker.training.data.dataset import LatentSet
from murnau_worker.training.data.prompts import evaluation_text, worded
from murnau_worker.training.data.templates import TEMPLATES

EVAL_SAMPLES = 64
EVAL_CHUNK = 8
_TOGETHER_IN_LITTLE_MEMORY = 4  # samples: eight need more than a training step with checkpointing
QUARTERS = 4  # parts of the timesteps that are also reported apart; 16 samples are stratified into each


@dataclass(frozen=True)
class _EvalChunk:
    """Samples of one shape; `texts` have `{placeholder}` in them."""

    texts: tuple[str, ...]
    tensors: Mapping[str, torch.Tensor]

    def batches(self, size: int, encoder: PromptEncoder, pooling: str, placeholder: str | None) -> Iterator[Batch]:
        """The samples with the placeholder, or with empty prompts, at most `size` at a time."""
        texts = [worded(text, placeholder) if placeholder else "" for text in self.texts]
        prompts = [encoder.ids(text) for text in texts]
        whole = Batch.of(prompts, pooling, self.tensors)
        return (whole.part(start, start + size) for start in range(0, len(whole), size))


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

    def __init__(self, model: FamilyModel, latents: LatentSet, templates: TemplateSet) -> None:
        self._model = model
        self._word_losses: dict[str, float] = {}
        draws = Draws(latents.eval_seed)
        count = 1 if templates == "captions" else len(TEMPLATES["en"][templates])
        order = draws.permutation("eval_template", 0, count)
        self._chunks = [
            _EvalChunk(
                texts=tuple(
                    evaluation_text(templates, latents.captions, index % len(latents), order[index % count])
                    for index in indices
                ),
                tensors={
                    "latents": torch.stack([latents.latent(index % len(latents)) for index in indices]),
                    **_eval_draws(model, draws, indices, shape),
                },
            )
            for shape, indices in _chunks_by_shape(latents)
        ]

    def losses(
        self, encoder: PromptEncoder, rows: Rows, pooling: str, placeholder: str | None
    ) -> Iterator[EvalLosses | None]:
        """Yields None after each chunk of each phase and the losses at the end.

        No placeholder: the empty prompt's losses.
        """
        size = _TOGETHER_IN_LITTLE_MEMORY if self._model.checkpointing.is_on else EVAL_CHUNK
        batches = [batch for chunk in self._chunks for batch in chunk.batches(size, encoder, pooling, placeholder)]
        for phase in self._model.evaluation_phases:
            for place, batch in enumerate(batches):
                self._hold_parts_of(phase)
                with torch.inference_mode():
                    batches[place] = self._model.evaluate(phase, batch, rows)
                yield None
        losses_N = torch.cat([batch.tensors["losses"].double().cpu() for batch in batches])
        yield EvalLosses(losses_N, torch.cat([batch.tensors["timesteps"].cpu() for batch in batches]))

    def _hold_parts_of(self, phase: str) -> None:
        """One phase after the other needs no more memory than a run that trains them so; a whole step's parts stay."""
        if not all(map(self._model.holds, self._model.evaluation_phases)):
            self._model.hold(phase)

    def word_loss(self, encoder: PromptEncoder, word: str) -> Iterator[float | None]:
        """Yields None after each chunk and the mean loss of a known word or phrase at the end.

        It does not depend on any run, so each word is evaluated once. Words that runs learn are not looked for in it.
        """
        found = self._word_losses.get(word)
        if found is None:
            for losses in self.losses(replace(encoder, words={}), {}, "", word):
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


def _eval_draws(
    model: FamilyModel, draws: Draws, indices: Sequence[int], shape: tuple[int, ...]
) -> dict[str, torch.Tensor]:
    """A sample's draws follow from its number and its shape, whatever it is computed with."""
    stratum_of = draws.permutation("eval_stratum", 0, EVAL_SAMPLES)
    timesteps = [
        int((stratum_of[index] + draws.uniform("eval_timestep", 0, index)) / EVAL_SAMPLES * TRAINING_STEPS)
        for index in indices
    ]
    noises: list[dict[str, torch.Tensor]] = []
    for index in indices:
        place = index % EVAL_CHUNK
        noises.append(model.draw_evaluation(draws, index - place, range(place, place + 1), shape))
    joined = {name: torch.cat([noise[name] for noise in noises]) for name in noises[0]}
    tensors = {**joined, "timesteps": torch.tensor(timesteps)}
    return {name: tensor.to(model.device) for name, tensor in tensors.items()}
