"""What a training step is made of: pictures, prompts and noise, drawn by (seed, step, sample).

Legend: N samples, S prior steps, E joint width, C latent channels, H/W latent cells.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.sampling.tables import TRAINING_STEPS
from murnau_worker.textual_inversion.dataset import LatentSet
from murnau_worker.textual_inversion.draws import Draws
from murnau_worker.textual_inversion.objective import NoiseDraws
from murnau_worker.textual_inversion.prompts import PromptIds
from murnau_worker.textual_inversion.spec import TrainingSpec


@dataclass(frozen=True)
class Samples:
    """N samples of one run, not yet padded: latents [N, C, H, W], prompts with the run's own ids, and noise."""

    latents_NCHW: torch.Tensor
    prompts: tuple[PromptIds, ...]
    draws: NoiseDraws

    def __len__(self) -> int:
        return len(self.prompts)


def picture_of(draws: Draws, sample_number: int, pictures: int) -> int:
    """Picture of the run's n-th sample: each epoch shows every picture once, in an order of its own."""
    epoch, place = divmod(sample_number, pictures)
    return draws.permutation("order", epoch, pictures)[place]


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
    template_ids: Sequence[PromptIds],
    step: int,
    samples: range,
) -> Samples:
    """Some samples, of 0..batch_size-1, of the step after `step` steps. `template_ids`: of each template, in order."""
    draws = Draws(spec.seed)
    chosen: list[torch.Tensor] = []
    prompts: list[PromptIds] = []
    for index in samples:
        picture = picture_of(draws, step * spec.batch_size + index, len(latents))
        flipped = int(draws.uniform("flip", step, index) < spec.flip_probability)
        chosen.append(latents.latents_n2CHW[picture, flipped])
        prompts.append(template_ids[draws.integer("template", step, index, len(template_ids))])
    return Samples(
        latents_NCHW=torch.stack(chosen),
        prompts=tuple(prompts),
        draws=noise_draws(model, draws, step, samples, latents.shape, spec.prior_steps),
    )
