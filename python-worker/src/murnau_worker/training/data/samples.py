"""What a step's samples are: pictures, prompts and noise, drawn by (seed, step, sample).

Legend: N samples, E width of an image embedding, C latent channels, H/W latent cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch

from murnau_worker.core.batch import Batch
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.families.family import FamilyModel, StepSamples
from murnau_worker.training.data.dataset import LatentSet
from murnau_worker.training.data.image_embeddings import ImageEmbeddings
from murnau_worker.training.data.loss_masks import loss_weights
from murnau_worker.training.data.prompts import TrainingPrompts


def picture_of(draws: Draws, sample_number: int, pictures: int, order: str = "order") -> int:
    """Picture of the n-th sample: each epoch shows every picture once, in an order of its own."""
    epoch, place = divmod(sample_number, pictures)
    return draws.permutation(order, epoch, pictures)[place]


def bucket_of_step(step: int, latents: LatentSet) -> tuple[int, int]:
    """The bucket that all samples of a step come from, and how many steps before it took the same one.

    As many steps as there are pictures make a round, in which a bucket has as many turns as it has pictures: so every
    picture is shown as often as any other, and where a run stands follows from its step alone. The pictures draw the
    order, not the run's seed: runs on the same pictures share a bucket, and so a batch, at each step.
    """
    if len(latents.buckets) == 1:
        return 0, step
    owners = [number for number, bucket in enumerate(latents.buckets) for _ in range(len(bucket))]
    round_number, turn = divmod(step, len(owners))
    draws = Draws(latents.eval_seed)
    turns = [owners[index] for index in draws.permutation("bucket", round_number, len(owners))]
    bucket = turns[turn]
    return bucket, round_number * len(latents.buckets[bucket]) + turns[:turn].count(bucket)


def pictures_of_step(draws: Draws, step: int, samples: range, per_step: int, latents: LatentSet) -> list[int]:
    """Places in the dataset of the pictures that some samples, of 0..per_step-1, of a step show."""
    number, turns_before = bucket_of_step(step, latents)
    places = latents.buckets[number].places
    order = "order" if len(latents.buckets) == 1 else f"order {number}"
    return [places[picture_of(draws, turns_before * per_step + index, len(places), order)] for index in samples]


@dataclass(frozen=True)
class _Shown:
    """Pictures by their place in the dataset, each with 1 where it is flipped. Implements ShownPictures."""

    places: Sequence[tuple[int, int]]
    latents: LatentSet
    images: ImageEmbeddings

    @property
    def latents_NCHW(self) -> torch.Tensor:
        return torch.stack([self.latents.latent(*place) for place in self.places])

    @property
    def embeddings_NE(self) -> torch.Tensor:
        return torch.stack([self.images.images_n2E[place] for place in self.places])


class SampleDraws:
    """Draws the samples of a run's steps: functions of (seed, step, sample), asked again the same."""

    def __init__(
        self,
        model: FamilyModel,
        spec: TrainingSpec,
        latents: LatentSet,
        images: ImageEmbeddings,
        prompts: TrainingPrompts,
    ) -> None:
        self._model = model
        self.spec = spec
        self._latents = latents
        self._images = images
        self._prompts = prompts
        self._draws = Draws(spec.seed)

    def draw(self, phase: str, step: int, numbers: range, constants: Mapping[str, torch.Tensor]) -> Batch:
        """Some samples, of 0..effective_batch-1, of the step after `step` steps. `constants`: see `phase_constants`."""
        spec, draws = self.spec, self._draws
        has_dropout = spec.objective.parameters.has_dropout
        places = self._places(step, numbers)
        shown = _Shown(places, self._latents, self._images)
        tensors = self._model.draw(phase, StepSamples(spec, draws, step, numbers, shown, constants))
        if "latents" in tensors:
            tensors |= self._cell_weights(places)
        pictures = zip(numbers, places, strict=True)
        return Batch.of(
            prompts=[self._prompts.drawn(draws, step, number, picture) for number, (picture, _) in pictures],
            pooling=spec.pooling,
            tensors=tensors,
            dropout_seed=draws.integer("dropout", step, numbers.start, 2**53) if has_dropout else None,
        )

    def _places(self, step: int, numbers: range) -> list[tuple[int, int]]:
        """Picture of each sample, and 1 where it is flipped; all of one shape."""
        spec, draws = self.spec, self._draws
        pictures = pictures_of_step(draws, step, numbers, spec.optimizer.effective_batch, self._latents)
        flips = [int(draws.uniform("flip", step, index) < spec.data.flip_probability) for index in numbers]
        return list(zip(pictures, flips, strict=True))

    def _cell_weights(self, places: Sequence[tuple[int, int]]) -> dict[str, torch.Tensor]:
        masks = [self._latents.mask(*place) for place in places]
        weights = [
            loss_weights(mask_HW, self.spec.objective.loss_mask_floor)[None] for mask_HW in masks if mask_HW is not None
        ]
        return {"cell_weights": torch.stack(weights)} if weights else {}
