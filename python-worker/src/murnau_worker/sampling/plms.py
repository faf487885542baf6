"""PLMS, the pseudo linear multistep method (Liu et al. 2022, "PNDM", eq. 12 and 13) on the original's DDIM steps.

As in the original the first step is a pseudo improved Euler step of two evaluations; the next two have lower orders.
"""

from __future__ import annotations

from collections import deque

import torch

from murnau_worker.sampling.ddim import ddim_move
from murnau_worker.sampling.guidance import Denoiser, GuidedDenoiser, SamplerStep, Sampling, SamplingRequest

# Adams-Bashforth: weights of the newest noise and those before it, and what their sum is divided by.
_MULTISTEP = {1: ((3, -1), 2), 2: ((23, -16, 5), 12), 3: ((55, -59, 37, -9), 24)}


def sample_plms(denoiser: Denoiser, request: SamplingRequest) -> Sampling:
    """Evaluates the denoiser once more than DDIM does."""
    tables = request.process.ddim(request.num_steps, request.start_step)
    guided = GuidedDenoiser(denoiser, request)
    latents = request.start_NCHW
    steps = len(tables.timesteps)
    earlier: deque[torch.Tensor] = deque(maxlen=3)  # newest first
    for draw, index in enumerate(reversed(range(steps))):
        noise, _ = guided(latents, tables.timesteps[index])
        if not earlier:
            guess, clean = ddim_move(tables, index, latents, noise, request)
            yield SamplerStep(1, steps + 1, guess, clean)
            following, _ = guided(guess, tables.timesteps[max(index - 1, 0)])
            combined = (noise + following) / 2
        else:
            weights, divisor = _MULTISTEP[len(earlier)]
            terms = zip(weights, (noise, *earlier), strict=True)
            combined = torch.stack([weight * term for weight, term in terms]).sum(0) / divisor
        latents, clean = ddim_move(tables, index, latents, combined, request)
        earlier.appendleft(noise)
        yield SamplerStep(draw + 2, steps + 1, latents, clean)
    return latents
