"""What a training step is made of: pictures, prompts and noise, drawn by (seed, step, sample).

Legend: N samples, S prior steps, E joint width, C latent channels, H/W latent cells.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.sampling.tables import TRAINING_STEPS
from murnau_worker.textual_inversion.dataset import LatentSet
from murnau_worker.textual_inversion.draws import Draws
from murnau_worker.textual_inversion.loss_masks import loss_weights
from murnau_worker.textual_inversion.objective import NoiseDraws
from murnau_worker.textual_inversion.prompts import PromptIds
from murnau_worker.textual_inversion.spec import TrainingSpec
from murnau_worker.textual_inversion.training_prompts import TrainingPrompts


@dataclass(frozen=True)
class Samples:
    """N samples of one run, not yet padded: latents [N, C, H, W], prompts with the run's own ids, and noise.

    `weights_N1HW`: of each cell's squared error; None: all the same.
    """

    latents_NCHW: torch.Tensor
    prompts: tuple[PromptIds, ...]
    draws: NoiseDraws
    weights_N1HW: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.prompts)


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


def noise_draws(
    model: Kandinsky, draws: Draws, step: int, samples: range, latent_shape: tuple[int, ...], prior_steps: int
) -> NoiseDraws:
    """Noise and uniform timesteps of some samples of a step."""
    width, device = model.prior.embedding_width, model.device
    timesteps = [draws.integer("timestep", step, index, TRAINING_STEPS) for index in samples]

    def normal(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.stack([draws.normal(name, step, index, shape) for index in samples]).to(device)

    return NoiseDraws(
        noise_NCHW=normal("noise", latent_shape),
        timesteps_N=torch.tensor(timesteps, device=device),
        prior_init_NE=normal("prior_init", (width,)),
        prior_steps_SNE=normal("prior_steps", (prior_steps, width)).transpose(0, 1),
    )


def draw_samples(
    model: Kandinsky,
    spec: TrainingSpec,
    latents: LatentSet,
    prompts: TrainingPrompts,
    step: int,
    samples: range,
) -> Samples:
    """Some samples, of 0..effective_batch-1, of the step after `step` steps; all of one shape."""
    draws = Draws(spec.seed)
    pictures = pictures_of_step(draws, step, samples, spec.effective_batch, latents)
    flips = [int(draws.uniform("flip", step, index) < spec.flip_probability) for index in samples]
    latents_NCHW = torch.stack([latents.latent(*shown) for shown in zip(pictures, flips, strict=True)])
    masks = [latents.mask(*shown) for shown in zip(pictures, flips, strict=True)]
    weights = [loss_weights(mask_HW, spec.loss_mask_floor)[None] for mask_HW in masks if mask_HW is not None]
    return Samples(
        latents_NCHW=latents_NCHW,
        prompts=tuple(
            prompts.drawn(draws, step, index, picture) for index, picture in zip(samples, pictures, strict=True)
        ),
        draws=noise_draws(model, draws, step, samples, tuple(latents_NCHW.shape[1:]), spec.prior_steps),
        weights_N1HW=torch.stack(weights) if weights else None,
    )
