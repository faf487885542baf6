"""Ancestral sampling with the UNet's learnt variance (the original's `p_sampler`).

The predicted picture is clamped to ±2 and then thresholded dynamically at its 99.5th percentile. The original takes the
percentile of the batch's first picture for all; ours takes each picture's own, so that a picture does not depend on
what it is drawn with (the same at batch 1).
"""

from __future__ import annotations

from collections.abc import Generator

import torch
from diffusers import UNet2DConditionModel

from murnau_worker.sampling.decoder import DecoderRequest, guided
from murnau_worker.sampling.tables import decoder_tables

_CLAMP = 2.0
_PERCENTILE = 0.995


def threshold(clean_NCHW: torch.Tensor) -> torch.Tensor:
    """Clamps to ±2, then to each picture's 99.5th percentile (at least 1), and divides by it."""
    clean_NCHW = clean_NCHW.clamp(-_CLAMP, _CLAMP)
    limit_N = torch.quantile(clean_NCHW.abs().flatten(1), _PERCENTILE, dim=1).clamp(min=1.0)
    limit_N111 = limit_N[:, None, None, None]
    return clean_NCHW.clamp(-limit_N111, limit_N111) / limit_N111


def sample_p(unet: UNet2DConditionModel, request: DecoderRequest) -> Generator[tuple[int, int], None, torch.Tensor]:
    """Yields (steps done, steps in all) and returns the latents."""
    tables = decoder_tables(request.num_steps)
    both = request.wanted + request.unwanted
    latents = request.noise_NCHW
    total = len(tables.timesteps)
    for draw, index in enumerate(reversed(range(total))):
        noise, fraction = guided(unet, latents, tables.timesteps[index], request, both)
        clean = float(tables.sqrt_recip_alpha_bar[index]) * latents - float(tables.sqrt_recip_minus_one[index]) * noise
        clean = threshold(clean)
        latents = float(tables.clean_coefficient[index]) * clean + float(tables.noised_coefficient[index]) * latents
        if index > 0:
            share = (fraction + 1) / 2
            largest = float(torch.tensor(tables.betas[index]).log())
            log_variance = share * largest + (1 - share) * float(tables.log_variance[index])
            latents = latents + (0.5 * log_variance).exp() * request.step_noise(draw)
        yield draw + 1, total
    return latents
