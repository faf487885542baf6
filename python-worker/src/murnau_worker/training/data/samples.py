"""What a training step is made of: pictures, prompts and noise, drawn by (seed, step, sample).

Legend: N samples, S prior steps, E joint width, C latent channels, H/W latent cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch

from murnau_worker.core.batch import DecoderSamples, PriorSamples, PromptIds, collate
from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import Pooling, TrainingSpec
from murnau_worker.families.kandinsky21.condition import image_embeddings
from murnau_worker.families.kandinsky21.losses import POOL_SIZE, PRIOR_TIMESTEPS, noise_draws
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.sampling.noising import min_snr_weights
from murnau_worker.training.data.dataset import LatentSet
from murnau_worker.training.data.image_embeddings import ImageEmbeddings
from murnau_worker.training.data.loss_masks import loss_weights
from murnau_worker.training.data.prompts import TrainingPrompts


def picture_of(draws: Draws, sample_number: int, pictures: int, order: str = "order") -> int:
    """Picture of the n-th sample: each epoch shows every picture once, in an order of its own."""
    epoch, place = divmod(sample_number, pictures)
    return draws.permutation(order, epoch, pictures)[place]


def bucket_of_step(draws: Draws, step: int, latents: LatentSet) -> tuple[int, int]:
    """The bucket that all samples of a step come from, and how many steps before it took the same one.

    As many steps as there are pictures make a round, in which a bucket has as many turns as it has pictures: so every
    picture is shown as often as any other, and where a run stands follows from its step alone.
    """
    if len(latents.buckets) == 1:
        return 0, step
    owners = [number for number, bucket in enumerate(latents.buckets) for _ in range(len(bucket))]
    round_number, turn = divmod(step, len(owners))
    turns = [owners[index] for index in draws.permutation("bucket", round_number, len(owners))]
    bucket = turns[turn]
    return bucket, round_number * len(latents.buckets[bucket]) + turns[:turn].count(bucket)


def pictures_of_step(draws: Draws, step: int, samples: range, per_step: int, latents: LatentSet) -> list[int]:
    """Places in the dataset of the pictures that some samples, of 0..per_step-1, of a step show."""
    number, turns_before = bucket_of_step(draws, step, latents)
    places = latents.buckets[number].places
    order = "order" if len(latents.buckets) == 1 else f"order {number}"
    return [places[picture_of(draws, turns_before * per_step + index, len(places), order)] for index in samples]


class SampleDraws:
    """Draws the samples of a run's steps: functions of (seed, step, sample), asked again the same."""

    def __init__(
        self,
        model: Kandinsky,
        spec: TrainingSpec,
        latents: LatentSet,
        images: ImageEmbeddings,
        prompts: TrainingPrompts,
    ) -> None:
        self._model = model
        self._spec = spec
        self._latents = latents
        self._images = images
        self._prompts = prompts
        self._draws = Draws(spec.seed)

    def of_decoder(self, step: int, samples: range, pool_KE: torch.Tensor | None = None) -> DecoderSamples:
        """Some samples, of 0..batch-1, of the step after `step` steps. `pool_KE`: embeddings by the learnt t2, for the
        decoder's phase; half of its samples have theirs from it, the others the picture's own.
        """
        spec = self._spec
        places = self._places(step, samples)
        latents_NCHW = torch.stack([self._latents.latent(*place) for place in places])
        shape = tuple(latents_NCHW.shape[1:])
        noise = noise_draws(self._model, self._draws, step, samples, shape, spec.prior_steps)
        return DecoderSamples(
            latents_NCHW=latents_NCHW,
            prompts=self._read(step, samples, places),
            draws=noise,
            image_NE=None if pool_KE is None else self._given(step, samples, places, pool_KE),
            weights_N=min_snr_weights(noise.timesteps_N.tolist(), spec.min_snr_gamma)
            if spec.loss_weight == "min_snr"
            else None,
            cell_weights_N1HW=self._cell_weights(places),
        )

    def of_prior(self, step: int, samples: range) -> PriorSamples:
        """Likewise, of the prior's phase."""
        draws, images_n2E = self._draws, self._images.images_n2E
        width, places = self._model.embedding_width, self._places(step, samples)
        low, count = PRIOR_TIMESTEPS.start, len(PRIOR_TIMESTEPS)
        return PriorSamples(
            prompts=self._read(step, samples, places),
            image_NE=torch.stack([images_n2E[place] for place in places]),
            noise_NE=torch.stack([draws.normal("prior_init", step, index, (width,)) for index in samples]),
            timesteps_N=torch.tensor([low + draws.integer("prior_timestep", step, index, count) for index in samples]),
        )

    def pool(self, t2_RD: torch.Tensor, pooling: Pooling, t1_pad_id: int) -> torch.Tensor:
        """Image embeddings [K, E] that the prior samples by the learnt t2, for as many texts; no gradient."""
        model, draws, spec = self._model, self._draws, self._spec
        model.hold("prior")
        of_t2 = self._prompts.of_t2
        chosen = [of_t2[draws.integer("pool_template", 0, index, len(of_t2))] for index in range(POOL_SIZE)]
        poolings: list[Pooling] = [pooling] * POOL_SIZE
        noise = noise_draws(model, Draws(f"{spec.seed}/pool"), 0, range(POOL_SIZE), (1,), spec.prior_steps)
        with torch.no_grad():
            return image_embeddings(model, collate(chosen, t1_pad_id), t2_RD, poolings, noise)

    def _places(self, step: int, samples: range) -> list[tuple[int, int]]:
        """Picture of each sample, and 1 where it is flipped; all of one shape."""
        spec, draws = self._spec, self._draws
        pictures = pictures_of_step(draws, step, samples, spec.effective_batch, self._latents)
        flips = [int(draws.uniform("flip", step, index) < spec.flip_probability) for index in samples]
        return list(zip(pictures, flips, strict=True))

    def _read(self, step: int, samples: range, places: Sequence[tuple[int, int]]) -> tuple[PromptIds, ...]:
        drawn = self._prompts.drawn
        return tuple(
            drawn(self._draws, step, index, picture) for index, (picture, _) in zip(samples, places, strict=True)
        )

    def _cell_weights(self, places: Sequence[tuple[int, int]]) -> torch.Tensor | None:
        masks = [self._latents.mask(*place) for place in places]
        weights = [loss_weights(mask_HW, self._spec.loss_mask_floor)[None] for mask_HW in masks if mask_HW is not None]
        return torch.stack(weights) if weights else None

    def _given(
        self, step: int, samples: range, places: Sequence[tuple[int, int]], pool_KE: torch.Tensor
    ) -> torch.Tensor:
        draws, images_n2E = self._draws, self._images.images_n2E
        return torch.stack(
            [
                pool_KE[draws.integer("pool_place", step, index, len(pool_KE))]
                if draws.uniform("pool", step, index) < 0.5
                else images_n2E[place]
                for index, place in zip(samples, places, strict=True)
            ]
        )
