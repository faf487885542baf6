"""The prior's samplers, with gradient where one is wanted.

Source: ai-forever/Kandinsky-2 `PriorDiffusionModel.forward`: predicts the clean sample, cosine betas, fixed small
variance, prediction clamped to ±10, guidance on the prediction; "ddimN" walks its steps by DDIM with eta 0.
Legend: B batch, E width of an image embedding, S steps.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from dataclasses import dataclass

import torch

from murnau_worker.models.prior_network import PriorNetwork, TextKeys, join_texts
from murnau_worker.sampling.prior_schedule import PriorSchedule
from murnau_worker.sampling.tables import PosteriorTables

_CLAMP = 10.0


@dataclass(frozen=True)
class PriorNoise:
    """What the prior's sampler starts from [B, E], and the noise of its steps in the order of sampling [B, S, E]."""

    init_BE: torch.Tensor
    steps_BSE: torch.Tensor

    def to(self, device: torch.device) -> PriorNoise:
        return PriorNoise(self.init_BE.to(device), self.steps_BSE.to(device))


def _ancestral(tables: PosteriorTables, index: int, noised_BE: torch.Tensor, clean_BE: torch.Tensor) -> torch.Tensor:
    """Mean of q(x_{t-1} | x_t, x_0)."""
    return float(tables.clean_coefficient[index]) * clean_BE + float(tables.noised_coefficient[index]) * noised_BE


def _ddim(tables: PosteriorTables, index: int, noised_BE: torch.Tensor, clean_BE: torch.Tensor) -> torch.Tensor:
    """DDIM's next sample (Song et al. 2021, eq. 12, eta 0)."""
    recip, minus_one = float(tables.sqrt_recip_alpha_bar[index]), float(tables.sqrt_recip_minus_one[index])
    before = float(tables.alpha_bar_before[index])
    noise_BE = (recip * noised_BE - clean_BE) / minus_one
    return math.sqrt(before) * clean_BE + math.sqrt(1.0 - before) * noise_BE


def sample_prior(
    network: PriorNetwork,
    text: TextKeys,
    empty_text: TextKeys,
    noise: PriorNoise,
    guidance_scale: float,
    schedule: PriorSchedule,
) -> Generator[None, None, torch.Tensor]:
    """Samples image embeddings [B, E] in CLIP's space for texts of batch B, in fp32; yields after each step.

    `empty_text` has batch 1 or B. The noise has as many steps as the schedule; the last one's is not used (no noise at
    timestep 0), and by DDIM none is.
    """
    batch = len(noise.init_BE)
    tables = schedule.tables
    both = join_texts(text, empty_text if len(empty_text.bias_B11T) == batch else empty_text.expanded(batch))
    move = _ddim if schedule.is_ddim else _ancestral
    noised_BE = noise.init_BE
    for draw, index in enumerate(reversed(range(len(schedule)))):
        predicted = network.predict(torch.cat([noised_BE, noised_BE]), tables.timesteps[index], both)
        with_text_BE, without_BE = predicted.chunk(2)
        clean_BE = (without_BE + guidance_scale * (with_text_BE - without_BE)).clamp(-_CLAMP, _CLAMP)
        noised_BE = move(tables, index, noised_BE, clean_BE)
        if index > 0 and not schedule.is_ddim:
            noised_BE = noised_BE + math.exp(0.5 * float(tables.log_variance[index])) * noise.steps_BSE[:, draw]
        yield
    return noised_BE * network.prior.clip_std + network.prior.clip_mean
