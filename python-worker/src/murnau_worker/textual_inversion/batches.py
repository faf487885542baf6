"""What a training step is made of: pictures, prompts and noise, drawn by (seed, step, sample).

Legend: N samples, S prior steps, E joint width.
"""

from __future__ import annotations

import torch

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.sampling.tables import TRAINING_STEPS
from murnau_worker.textual_inversion.dataset import LatentSet
from murnau_worker.textual_inversion.draws import Draws
from murnau_worker.textual_inversion.objective import NoiseDraws, TrainingBatch
from murnau_worker.textual_inversion.prompts import PromptEncoder
from murnau_worker.textual_inversion.spec import TrainingSpec
from murnau_worker.textual_inversion.templates import TEMPLATES


def picture_of(draws: Draws, sample_number: int, pictures: int) -> int:
    """Picture of the run's n-th sample: each epoch shows every picture once, in an order of its own."""
    epoch, place = divmod(sample_number, pictures)
    return draws.permutation("order", epoch, pictures)[place]


def noise_draws(
    model: Kandinsky, draws: Draws, step: int, count: int, latent_shape: tuple[int, ...], prior_steps: int
) -> NoiseDraws:
    """Noise and uniform timesteps of `count` samples of a step."""
    width, device = model.prior.embedding_width, model.device
    samples = range(count)
    timesteps = [draws.integer("timestep", step, index, TRAINING_STEPS) for index in samples]

    def normal(name: str, shape: tuple[int, ...]) -> torch.Tensor:
        return torch.stack([draws.normal(name, step, index, shape) for index in samples]).to(device)

    return NoiseDraws(
        noise_NCHW=normal("noise", latent_shape),
        timesteps_N=torch.tensor(timesteps, device=device),
        prior_init_NE=normal("prior_init", (width,)),
        prior_steps_SNE=normal("prior_steps", (prior_steps, width)).transpose(0, 1),
    )


def draw_training_batch(
    model: Kandinsky, spec: TrainingSpec, latents: LatentSet, encoder: PromptEncoder, step: int
) -> TrainingBatch:
    """The batch of the step after `step` steps."""
    draws = Draws(spec.seed)
    templates = TEMPLATES[spec.templates]
    chosen: list[torch.Tensor] = []
    prompts: list[str] = []
    for index in range(spec.batch_size):
        picture = picture_of(draws, step * spec.batch_size + index, len(latents))
        flipped = int(draws.uniform("flip", step, index) < spec.flip_probability)
        chosen.append(latents.latents_n2CHW[picture, flipped])
        template = templates[draws.integer("template", step, index, len(templates))]
        prompts.append(template.format(spec.placeholder_token))
    latents_NCHW = torch.stack(chosen)
    shape = tuple(latents_NCHW.shape[1:])
    return TrainingBatch(
        latents_NCHW=latents_NCHW,
        prompts=encoder.batch(prompts),
        draws=noise_draws(model, draws, step, spec.batch_size, shape, spec.prior_steps),
    )
