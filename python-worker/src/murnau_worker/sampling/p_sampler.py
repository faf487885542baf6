"""Ancestral sampling with the denoiser's learnt variance (the original's `p_sampler`; Nichol & Dhariwal 2021, eq. 15).

The predicted picture is clamped and then thresholded dynamically at a percentile of its own. The original takes the
percentile of the batch's first picture for all; ours takes each picture's own, so that a picture does not depend on
what it is drawn with (the same at batch 1), unless the request asks for the original's.
"""

from __future__ import annotations

import math

import torch

from murnau_worker.sampling.guidance import (
    Denoiser,
    GuidedDenoiser,
    Kept,
    SamplerStep,
    Sampling,
    SamplingRequest,
    Threshold,
)
from murnau_worker.sampling.tables import PosteriorTables, respaced_timesteps


def thresholded(
    clean_NCHW: torch.Tensor, by: Threshold, *, kept: Kept | None = None, shares_percentile: bool = False
) -> torch.Tensor:
    """Clamps, pastes what is kept, clips to the percentile (at least 1) and divides by it.

    What is kept may lie beyond the clamp, and so may then the percentile.
    """
    clean_NCHW = clean_NCHW.clamp(-by.clamp, by.clamp)
    if kept is not None:
        clean_NCHW = kept.paste(clean_NCHW)
    measured = clean_NCHW[:1] if shares_percentile else clean_NCHW
    limits = [torch.quantile(picture.abs().flatten(), by.percentile).clamp(min=1.0) for picture in measured]
    limit_N111 = torch.stack(limits)[:, None, None, None]
    return clean_NCHW.clamp(-limit_N111, limit_N111) / limit_N111


def sample_p(denoiser: Denoiser, request: SamplingRequest) -> Sampling:
    """Runs the respaced process, or its first `start_step` timesteps."""
    tables = request.process.posterior(respaced_timesteps(request.num_steps))
    guided = GuidedDenoiser(denoiser, request)
    latents = request.start_NCHW
    total = len(tables.timesteps[: request.start_step])
    for draw, index in enumerate(reversed(range(total))):
        noise, fraction = guided(latents, tables.timesteps[index])
        clean = float(tables.sqrt_recip_alpha_bar[index]) * latents - float(tables.sqrt_recip_minus_one[index]) * noise
        clean = thresholded(clean, request.threshold, kept=request.kept, shares_percentile=request.shares_percentile)
        latents = float(tables.clean_coefficient[index]) * clean + float(tables.noised_coefficient[index]) * latents
        if index > 0:
            latents = latents + _deviation(tables, index, fraction) * request.step_noise(draw)
        yield SamplerStep(draw + 1, total, clean)
    return latents


def _deviation(tables: PosteriorTables, index: int, fraction_NCHW: torch.Tensor | None) -> torch.Tensor | float:
    """Standard deviation of a step: between the posterior's and the process's where it is learnt, else the former."""
    if fraction_NCHW is None:
        return math.exp(0.5 * float(tables.log_variance[index]))
    share = (fraction_NCHW + 1) / 2
    log_variance = share * math.log(tables.betas[index]) + (1 - share) * float(tables.log_variance[index])
    return (0.5 * log_variance).exp()
