"""DDIM (Song et al. 2021, eq. 12) on the original's list of steps."""

from __future__ import annotations

import math

import torch

from murnau_worker.sampling.guidance import Denoiser, GuidedDenoiser, SamplerStep, Sampling, SamplingRequest
from murnau_worker.sampling.tables import DdimTables


def ddim_move(
    tables: DdimTables, index: int, latents_NCHW: torch.Tensor, noise_NCHW: torch.Tensor, request: SamplingRequest
) -> tuple[torch.Tensor, torch.Tensor]:
    """One step from predicted noise: the next latents without fresh noise, and the clean latents as predicted.

    Under a threshold the noise is what leads from the limited clean latents to the noised ones.
    """
    here, before = float(tables.alpha_bar[index]), float(tables.alpha_bar_before[index])
    clean = (latents_NCHW - math.sqrt(1.0 - here) * noise_NCHW) / math.sqrt(here)
    if request.threshold.limits:
        clean = request.threshold.apply(clean, None)
        noise_NCHW = (latents_NCHW - math.sqrt(here) * clean) / math.sqrt(1.0 - here)
    direction = math.sqrt(max(0.0, 1.0 - before - float(tables.sigma[index]) ** 2))
    return math.sqrt(before) * clean + direction * noise_NCHW, clean


def sample_ddim(denoiser: Denoiser, request: SamplingRequest) -> Sampling:
    """The timesteps have an even stride, rounded down: 7 steps asked for are 8 steps, as in the original."""
    tables = request.process.ddim(request.num_steps, request.start_step, request.eta)
    guided = GuidedDenoiser(denoiser, request)
    latents = request.start_NCHW
    total = len(tables.timesteps)
    for draw, index in enumerate(reversed(range(total))):
        noise, _ = guided(latents, tables.timesteps[index])
        latents, clean = ddim_move(tables, index, latents, noise, request)
        if request.eta > 0:
            latents = latents + float(tables.sigma[index]) * request.step_noise(draw)
        yield SamplerStep(draw + 1, total, latents, clean)
    return latents
