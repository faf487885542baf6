"""What all of the decoder's samplers share: conditioning, guidance, what inpainting keeps, and a sampler's form.

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

    def of(self, places: list[int]) -> DecoderCondition:
        """The conditions of some of the pictures."""
        return DecoderCondition(self.context_NPD[places], self.pooled_NE[places], self.image_NE[places])

    def to(self, dtype: torch.dtype) -> DecoderCondition:
        return DecoderCondition(self.context_NPD.to(dtype), self.pooled_NE.to(dtype), self.image_NE.to(dtype))


@dataclass(frozen=True)
class Kept:
    """What inpainting keeps: the picture's latents [1, C, H, W] and the mask [1, 1, H, W], 1 where it keeps them."""

    latents_1CHW: torch.Tensor
    mask_11HW: torch.Tensor

    def paste(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        """The given latents with the kept ones in their place."""
        return latents_NCHW * (1 - self.mask_11HW) + self.latents_1CHW * self.mask_11HW


@dataclass(frozen=True)
class DecoderRequest:
    """One sampling: what is wanted, what it is steered away from, and its noise.

    `start_NCHW` starts it: noise, or noised latents with the `start_step` they were noised for (in the sampler's own
    count of its process). `step_noise(i)` gives the noise [N, C, H, W] of the i-th step. `eta`: DDIM's share of fresh
    noise. `shares_percentile`: p_sampler thresholds all pictures as the first, as the original does.
    """

    wanted: DecoderCondition
    unwanted: DecoderCondition
    start_NCHW: torch.Tensor
    step_noise: Callable[[int], torch.Tensor]
    guidance_scale: float
    num_steps: int
    start_step: int | None = None
    kept: Kept | None = None
    eta: float = 0.0
    shares_percentile: bool = False


@dataclass(frozen=True)
class SamplerStep:
    """UNet evaluations done and in all, and the clean latents [N, C, H, W] as predicted now."""

    done: int
    total: int
    clean_NCHW: torch.Tensor


# A sampler yields after each UNet evaluation and returns the latents [N, C, H, W].
Sampling = Generator[SamplerStep, None, torch.Tensor]


def predict(
    unet: UNet2DConditionModel, seen_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: DecoderCondition
) -> torch.Tensor:
    """The UNet's output [N, 2C, H, W] in fp32, computed in its own dtype: noise, then the variance's interpolation."""
    condition = condition.to(unet.dtype)
    output: torch.Tensor = unet(
        seen_NCHW.to(unet.dtype),
        timesteps_N,
        encoder_hidden_states=condition.context_NPD,
        added_cond_kwargs={"text_embeds": condition.pooled_NE, "image_embeds": condition.image_NE},
        return_dict=False,
    )[0]
    return output.float()


class GuidedUnet:
    """The UNet under classifier-free guidance, with what does not change between steps prepared once."""

    def __init__(self, unet: UNet2DConditionModel, request: DecoderRequest) -> None:
        self._unet = unet
        self._both = (request.wanted + request.unwanted).to(unet.dtype)
        self._guidance_scale = request.guidance_scale
        self._seen_beside: torch.Tensor | None = None
        if request.kept is not None:
            mask, latents = request.kept.mask_11HW, request.kept.latents_1CHW
            self._seen_beside = torch.cat([latents * mask, mask], dim=1)

    def __call__(self, noised_NCHW: torch.Tensor, timestep: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Guided noise [N, C, H, W], and the wanted half's variance channels [N, C, H, W]."""
        seen = torch.cat([noised_NCHW, noised_NCHW])
        if self._seen_beside is not None:
            seen = torch.cat([seen, self._seen_beside.expand(len(seen), -1, -1, -1)], dim=1)
        timesteps = torch.full((len(seen),), timestep, dtype=torch.long, device=seen.device)
        wanted, unwanted = predict(self._unet, seen, timesteps, self._both).chunk(2)
        wanted_noise, variance = wanted[:, :LATENT_CHANNELS], wanted[:, LATENT_CHANNELS:]
        unwanted_noise = unwanted[:, :LATENT_CHANNELS]
        return unwanted_noise + self._guidance_scale * (wanted_noise - unwanted_noise), variance
