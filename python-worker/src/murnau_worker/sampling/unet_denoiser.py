"""A UNet with a learnt variance as a sampler's denoiser.

Legend: N pictures, C latent channels, H/W latent size.
"""

from __future__ import annotations

from typing import Any, Protocol

import torch

from murnau_worker.sampling.guidance import Kept, Prediction


class Predict(Protocol):
    """How a family's UNet is computed with."""

    def __call__(self, unet: Any, seen_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: Any) -> torch.Tensor:
        """The output [N, 2C, H, W] in fp32: noise, then the variance's interpolation."""
        ...


class UnetDenoiser:
    """The inpainting UNet is also given what is kept. Implements Denoiser."""

    def __init__(self, unet: Any, predict: Predict, kept: Kept | None = None) -> None:
        self._unet = unet
        self._predict = predict
        self._kept_beside = kept.beside if kept is not None else None

    @property
    def device(self) -> torch.device:
        return self._unet.device

    @property
    def dtype(self) -> torch.dtype:
        return self._unet.dtype

    def __call__(self, noised_NCHW: torch.Tensor, timesteps_N: torch.Tensor, condition: Any) -> Prediction:
        seen = noised_NCHW
        if self._kept_beside is not None:
            copies = len(seen) // len(self._kept_beside)  # the unwanted half is given the same
            seen = torch.cat([seen, self._kept_beside.repeat(copies, 1, 1, 1)], dim=1)
        output = self._predict(self._unet, seen, timesteps_N, condition)
        noise_NCHW, variance_NCHW = output.chunk(2, dim=1)
        return Prediction(noise_NCHW, variance_NCHW)
