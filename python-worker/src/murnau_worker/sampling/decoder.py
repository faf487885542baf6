"""What all of the decoder's samplers share: conditioning, guidance and the registry of samplers.

Legend: N pictures, C latent channels (4), H/W latent size, P padded text length, D1 width of t1, E joint width.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass

import torch
from diffusers import UNet2DConditionModel

LATENT_CHANNELS = 4


@dataclass(frozen=True)
class DecoderCondition:
    """Text and image embedding of N pictures: [N, P, D1], [N, E], [N, E]."""

    context_NPD: torch.Tensor
    pooled_NE: torch.Tensor
    image_NE: torch.Tensor

    def __add__(self, other: DecoderCondition) -> DecoderCondition:
        return DecoderCondition(
            torch.cat([self.context_NPD, other.context_NPD]),
            torch.cat([self.pooled_NE, other.pooled_NE]),
            torch.cat([self.image_NE, other.image_NE]),
        )


@dataclass(frozen=True)
class DecoderRequest:
    """One sampling: what is wanted, what it is steered away from, and its noise.

    `noise_NCHW` starts it; `step_noise(i)` gives the noise [N, C, H, W] after the i-th step (p_sampler only).
    """

    wanted: DecoderCondition
    unwanted: DecoderCondition
    noise_NCHW: torch.Tensor
    step_noise: Callable[[int], torch.Tensor]
    guidance_scale: float
    num_steps: int


# A sampler yields (steps done, steps in all) after each UNet evaluation and returns the latents [N, C, H, W].
Sampler = Callable[[UNet2DConditionModel, DecoderRequest], Generator[tuple[int, int], None, torch.Tensor]]


def predict(
    unet: UNet2DConditionModel, noised_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: DecoderCondition
) -> torch.Tensor:
    """The UNet's output [N, 2C, H, W]: noise, then what the variance is interpolated by."""
    return unet(
        noised_NCHW,
        timesteps_N,
        encoder_hidden_states=condition.context_NPD,
        added_cond_kwargs={"text_embeds": condition.pooled_NE, "image_embeds": condition.image_NE},
        return_dict=False,
    )[0]


def guided(
    unet: UNet2DConditionModel,
    noised_NCHW: torch.Tensor,
    timestep: int,
    request: DecoderRequest,
    both: DecoderCondition,
) -> tuple[torch.Tensor, torch.Tensor]:
    """Noise [N, C, H, W] under classifier-free guidance, and the wanted half's variance channels [N, C, H, W].

    `both`: the wanted and the unwanted conditions in one batch.
    """
    timesteps = torch.full((2 * len(noised_NCHW),), timestep, dtype=torch.long, device=noised_NCHW.device)
    output = predict(unet, torch.cat([noised_NCHW, noised_NCHW]), timesteps, both)
    wanted, unwanted = output.chunk(2)
    wanted_noise, variance = wanted[:, :LATENT_CHANNELS], wanted[:, LATENT_CHANNELS:]
    unwanted_noise = unwanted[:, :LATENT_CHANNELS]
    return unwanted_noise + request.guidance_scale * (wanted_noise - unwanted_noise), variance
