"""What all samplers share: conditions and denoisers as samplers know them, guidance, and what inpainting keeps.

Legend: N pictures, C latent channels, H/W latent size.
"""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass, replace
from typing import Any, Protocol

import torch

from murnau_worker.sampling.tables import Process
from murnau_worker.sampling.threshold import NO_THRESHOLD, Threshold


class Condition(Protocol):
    """What a denoiser is given for N pictures beside their noised latents. What it is made of is the family's."""

    def cat(self, other: Any) -> Condition:
        """Both, the other's pictures after these."""
        ...

    def of(self, places: list[int]) -> Condition:
        """The conditions of some of the pictures."""
        ...

    def to(self, dtype: torch.dtype) -> Condition: ...


@dataclass(frozen=True)
class Prediction:
    """Predicted noise [N, C, H, W] in fp32, and the learnt variance's interpolation, where the model has learnt one."""

    noise_NCHW: torch.Tensor
    variance_NCHW: torch.Tensor | None


class Denoiser(Protocol):
    """A model's network that predicts noise, for one drawing."""

    @property
    def device(self) -> torch.device: ...

    @property
    def dtype(self) -> torch.dtype:
        """In which it computes."""
        ...

    def __call__(self, noised_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: Any) -> Prediction: ...


@dataclass(frozen=True)
class Kept:
    """What inpainting keeps: the picture's latents, of all pictures or each its own, and the mask, 1 where it keeps."""

    latents_NCHW: torch.Tensor
    mask_11HW: torch.Tensor

    def of(self, places: list[int]) -> Kept:
        """Of some of the pictures."""
        return self if len(self.latents_NCHW) == 1 else replace(self, latents_NCHW=self.latents_NCHW[places])

    def paste(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        """The given latents with the kept ones in their place."""
        return latents_NCHW * (1 - self.mask_11HW) + self.latents_NCHW * self.mask_11HW

    @property
    def beside(self) -> torch.Tensor:
        """What a UNet for inpainting is given beside the noised latents [1 or N, C + 1, H, W]."""
        masks = self.mask_11HW.expand(len(self.latents_NCHW), -1, -1, -1)
        return torch.cat([self.latents_NCHW * masks, masks], dim=1)


@dataclass(frozen=True)
class SamplingRequest:
    """One sampling: what is wanted, what it is steered away from, and its noise.

    `start_NCHW` starts it: noise, or noised latents with the `start_step` they were noised for (in the sampler's own
    count of its process). `step_noise(i)` gives the noise [N, C, H, W] of the i-th step. `eta`: DDIM's share of fresh
    noise. `threshold`: what predicted clean latents are held to.
    """

    process: Process
    wanted: Condition
    unwanted: Condition
    start_NCHW: torch.Tensor
    step_noise: Callable[[int], torch.Tensor]
    guidance_scale: float
    num_steps: int
    start_step: int | None = None
    kept: Kept | None = None
    eta: float = 0.0
    threshold: Threshold = NO_THRESHOLD

    def limited(self, clean_NCHW: torch.Tensor) -> torch.Tensor:
        """Predicted clean latents under the threshold."""
        return self.threshold.apply(clean_NCHW, None if self.kept is None else self.kept.paste)


@dataclass(frozen=True)
class SamplerStep:
    """The denoiser's evaluations done and in all, the latents [N, C, H, W] reached, and the clean ones as predicted."""

    done: int
    total: int
    latents_NCHW: torch.Tensor
    clean_NCHW: torch.Tensor


# A sampler yields after each evaluation of the denoiser and returns the latents [N, C, H, W].
Sampling = Generator[SamplerStep, None, torch.Tensor]


class GuidedDenoiser:
    """A denoiser under classifier-free guidance, with what does not change between steps prepared once."""

    def __init__(self, denoiser: Denoiser, request: SamplingRequest) -> None:
        self._denoiser = denoiser
        self._both = request.wanted.cat(request.unwanted).to(denoiser.dtype)
        self._guidance_scale = request.guidance_scale

    def __call__(self, noised_NCHW: torch.Tensor, timestep: int) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Guided noise [N, C, H, W], and the wanted half's variance channels [N, C, H, W]."""
        both_NCHW = torch.cat([noised_NCHW, noised_NCHW])
        timesteps_N = torch.full((len(both_NCHW),), timestep, dtype=torch.long, device=both_NCHW.device)
        prediction = self._denoiser(both_NCHW, timesteps_N, self._both)
        wanted_NCHW, unwanted_NCHW = prediction.noise_NCHW.chunk(2)
        variance_NCHW = None if prediction.variance_NCHW is None else prediction.variance_NCHW.chunk(2)[0]
        return unwanted_NCHW + self._guidance_scale * (wanted_NCHW - unwanted_NCHW), variance_NCHW
