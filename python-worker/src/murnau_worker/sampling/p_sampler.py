"""Ancestral sampling with the denoiser's learnt variance (the original's `p_sampler`; Nichol & Dhariwal 2021, eq. 15).

What inpainting keeps is pasted into each predicted picture.
"""

from __future__ import annotations

import math

import torch

from murnau_worker.sampling.guidance import Denoiser, GuidedDenoiser, SamplerStep, Sampling, SamplingRequest
from murnau_worker.sampling.tables import PosteriorTables, respaced_timesteps


def sample_p(denoiser: Denoiser, request: SamplingRequest) -> Sampling:
    """Runs the respaced process, or its first `start_step` timesteps."""
    tables = request.process.posterior(respaced_timesteps(request.num_steps))
    guided = GuidedDenoiser(denoiser, request)
    latents = request.start_NCHW
    total = len(tables.timesteps[: request.start_step])
    for draw, index in enumerate(reversed(range(total))):
        noise, fraction = guided(latents, tables.timesteps[index])
        clean = float(tables.sqrt_recip_alpha_bar[index]) * latents - float(tables.sqrt_recip_minus_one[index]) * noise
        clean = request.limited(clean)
        latents = float(tables.clean_coefficient[index]) * clean + float(tables.noised_coefficient[index]) * latents
        if index > 0:
            latents = latents + _deviation(tables, index, fraction) * request.step_noise(draw)
        yield SamplerStep(draw + 1, total, latents, clean)
    return latents


def _deviation(tables: PosteriorTables, index: int, fraction_NCHW: torch.Tensor | None) -> torch.Tensor | float:
    """Standard deviation of a step: between the posterior's and the process's where it is learnt, else the former."""
    if fraction_NCHW is None:
        return math.exp(0.5 * float(tables.log_variance[index]))
    share = (fraction_NCHW + 1) / 2
    log_variance = share * math.log(tables.betas[index]) + (1 - share) * float(tables.log_variance[index])
    return (0.5 * log_variance).exp()
