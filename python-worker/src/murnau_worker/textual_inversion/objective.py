"""The joint objective: the decoder's noise loss, through the prior's sampler, as a function of the learnt rows.

Legend: N samples, C latent channels (4), H/W latent cells, S prior steps, E joint width, R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.text_towers import Pooling
from murnau_worker.sampling.decoder import LATENT_CHANNELS, DecoderCondition, predict
from murnau_worker.sampling.prior_sampler import sample_image_embedding
from murnau_worker.sampling.prior_schedule import prior_schedule
from murnau_worker.sampling.tables import decoder_alpha_bar
from murnau_worker.textual_inversion.prompts import PromptBatch

TRAINING_PRIOR_GUIDANCE = 4.0


@dataclass(frozen=True)
class LearntPair:
    """Learnt rows of both towers: t1 [R, D1] (decoder) and t2 [R, D2] (prior)."""

    t1_RD: torch.Tensor
    t2_RD: torch.Tensor


@dataclass(frozen=True)
class NoiseDraws:
    """Everything random of a batch: decoder noise and timesteps, the prior's first and per-step noise."""

    noise_NCHW: torch.Tensor
    timesteps_N: torch.Tensor
    prior_init_NE: torch.Tensor
    prior_steps_SNE: torch.Tensor


@dataclass(frozen=True)
class TrainingBatch:
    """N samples. `weights_N1HW`: of each cell's squared error; None: all the same."""

    latents_NCHW: torch.Tensor
    prompts: PromptBatch
    draws: NoiseDraws
    weights_N1HW: torch.Tensor | None = None


def add_noise(latents_NCHW: torch.Tensor, noise_NCHW: torch.Tensor, timesteps_N: torch.Tensor) -> torch.Tensor:
    """q(x_t | x_0) of the decoder (Ho et al. 2020, eq. 4)."""
    alpha_bar_N = torch.from_numpy(decoder_alpha_bar())[timesteps_N.cpu()].to(latents_NCHW.device)
    keep_N111 = alpha_bar_N.sqrt().float()[:, None, None, None]
    blur_N111 = (1.0 - alpha_bar_N).sqrt().float()[:, None, None, None]
    return keep_N111 * latents_NCHW + blur_N111 * noise_NCHW


def masked_mean(error_NCHW: torch.Tensor, weights_N1HW: torch.Tensor | None) -> torch.Tensor:
    """Each sample's mean [N] under its cells' weights; weights of 1 everywhere give exactly the plain mean."""
    if weights_N1HW is None:
        return error_NCHW.mean(dim=(1, 2, 3))
    return (error_NCHW * weights_N1HW).mean(dim=(1, 2, 3)) / weights_N1HW.mean(dim=(1, 2, 3))


def condition_on(
    model: Kandinsky, prompts: PromptBatch, rows: LearntPair | None, poolings: Sequence[Pooling], draws: NoiseDraws
) -> DecoderCondition:
    """What the decoder is given for N prompts: XLM-R's text and the prior's sampled image embedding."""
    t2 = model.t2.encode(prompts.t2_ids_NL, prompts.t2_mask_NL, rows.t2_RD if rows else None, poolings)
    image_NE = sample_image_embedding(
        model.prior,
        model.prior.encode_text(t2),
        model.empty_text_keys(),
        draws.prior_init_NE,
        draws.prior_steps_SNE,
        TRAINING_PRIOR_GUIDANCE,
        prior_schedule(str(len(draws.prior_steps_SNE))),
    )
    t1 = model.t1.encode(prompts.t1_ids_NL, rows.t1_RD if rows else None)
    return DecoderCondition(t1.context_BPD, t1.pooled_BE, image_NE)


def joint_losses(
    model: Kandinsky, batch: TrainingBatch, rows: LearntPair | None, poolings: Sequence[Pooling]
) -> torch.Tensor:
    """Mean squared error of the predicted noise per sample [N]. `poolings`: each sample's."""
    draws = batch.draws
    condition = condition_on(model, batch.prompts, rows, poolings, draws)
    noised_NCHW = add_noise(batch.latents_NCHW, draws.noise_NCHW, draws.timesteps_N)
    output = predict(model.unet, noised_NCHW, draws.timesteps_N, condition)
    return masked_mean((output[:, :LATENT_CHANNELS] - draws.noise_NCHW).square(), batch.weights_N1HW)
