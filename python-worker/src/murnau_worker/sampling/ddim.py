"""DDIM (Song et al. 2021, eq. 12, eta 0) on the original's list of steps."""

from __future__ import annotations

from collections.abc import Generator

import torch
from diffusers import UNet2DConditionModel

from murnau_worker.sampling.decoder import DecoderRequest, guided
from murnau_worker.sampling.tables import ddim_timesteps, decoder_alpha_bar


def sample_ddim(unet: UNet2DConditionModel, request: DecoderRequest) -> Generator[tuple[int, int], None, torch.Tensor]:
    """Yields (steps done, steps in all) and returns the latents. 7 steps are 8, as in the original."""
    steps = ddim_timesteps(request.num_steps)
    alpha_bar = decoder_alpha_bar()
    both = request.wanted + request.unwanted
    latents = request.noise_NCHW
    for done, index in enumerate(reversed(range(len(steps))), start=1):
        here = torch.tensor(float(alpha_bar[steps[index]]), device=latents.device)
        before = torch.tensor(float(alpha_bar[steps[index - 1] if index > 0 else 0]), device=latents.device)
        noise, _ = guided(unet, latents, steps[index], request, both)
        clean = (latents - (1 - here).sqrt() * noise) / here.sqrt()
        latents = before.sqrt() * clean + (1 - before).sqrt() * noise
        yield done, len(steps)
    return latents
