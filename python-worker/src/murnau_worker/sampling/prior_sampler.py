"""The prior's ancestral sampler, with gradient where one is wanted.

Source: Kandinsky 2.1's `PriorDiffusionModel.forward`: predicts the clean sample, cosine betas, fixed small variance,
prediction clamped to ±10, guidance on the prediction.
Legend: B batch, E width of an image embedding, S steps.
"""

from __future__ import annotations

import math

import torch

from murnau_worker.models.prior_network import PriorNetwork, TextKeys, join_texts
from murnau_worker.sampling.tables import prior_tables

_CLAMP = 10.0


def sample_image_embedding(
    network: PriorNetwork,
    text: TextKeys,
    empty_text: TextKeys,
    init_noise_BE: torch.Tensor,
    step_noise_SBE: torch.Tensor,
    guidance_scale: float,
) -> torch.Tensor:
    """Samples image embeddings [B, E] in CLIP's space for texts of batch B.

    `empty_text` has batch 1 or B. `step_noise_SBE`: noise of each step in the order of sampling; its length is the
    number of steps, and the last one's is not used (no noise at timestep 0).
    """
    batch = len(init_noise_BE)
    tables = prior_tables(len(step_noise_SBE))
    both = join_texts(text, empty_text if len(empty_text.bias_B11T) == batch else empty_text.expanded(batch))
    noised_BE = init_noise_BE
    for draw, index in enumerate(reversed(range(len(tables.timesteps)))):
        predicted = network.predict(torch.cat([noised_BE, noised_BE]), tables.timesteps[index], both)
        with_text_BE, without_BE = predicted.chunk(2)
        clean_BE = (without_BE + guidance_scale * (with_text_BE - without_BE)).clamp(-_CLAMP, _CLAMP)
        mean_BE = (
            float(tables.clean_coefficient[index]) * clean_BE + float(tables.noised_coefficient[index]) * noised_BE
        )
        deviation = math.exp(0.5 * float(tables.log_variance[index]))
        noised_BE = mean_BE + deviation * step_noise_SBE[draw] if index > 0 else mean_BE
    return noised_BE * network.prior.clip_std + network.prior.clip_mean
