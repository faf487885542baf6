"""Noising of latents in training and what its losses are weighed by.

Legend: N samples, C latent channels, H/W latent cells.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from murnau_worker.sampling.tables import Process


def add_noise(
    process: Process, latents_NCHW: torch.Tensor, noise_NCHW: torch.Tensor, timesteps_N: torch.Tensor
) -> torch.Tensor:
    """q(x_t | x_0) (Ho et al. 2020, eq. 4)."""
    alpha_bar_N = torch.from_numpy(process.alpha_bar)[timesteps_N.cpu()].to(latents_NCHW.device)
    keep_N111 = alpha_bar_N.sqrt().float()[:, None, None, None]
    blur_N111 = (1.0 - alpha_bar_N).sqrt().float()[:, None, None, None]
    return keep_N111 * latents_NCHW + blur_N111 * noise_NCHW


def masked_mean(error_NCHW: torch.Tensor, cell_weights_N1HW: torch.Tensor | None) -> torch.Tensor:
    """Each sample's mean [N] under its cells' weights; weights of 1 everywhere give exactly the plain mean."""
    if cell_weights_N1HW is None:
        return error_NCHW.mean(dim=(1, 2, 3))
    return (error_NCHW * cell_weights_N1HW).mean(dim=(1, 2, 3)) / cell_weights_N1HW.mean(dim=(1, 2, 3))


def min_snr_weights(process: Process, timesteps: Sequence[int], gamma: float) -> torch.Tensor:
    """min(SNR, gamma) / SNR of a process at some timesteps [N] (Hang et al. 2023, for noise prediction)."""
    alpha_bar_N = process.alpha_bar[list(timesteps)]
    snr_N = alpha_bar_N / (1.0 - alpha_bar_N)
    return torch.from_numpy(np.minimum(snr_N, gamma) / snr_N).float()
