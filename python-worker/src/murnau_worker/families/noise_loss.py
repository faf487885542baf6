"""The loss of predicted noise, which the rows of every family of latent diffusion learn by.

Legend: N samples, C latent channels, H/W latent cells.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from murnau_worker.core.draws import Draws
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.sampling.noising import masked_mean, min_snr_weights
from murnau_worker.sampling.tables import TRAINING_STEPS, Process


def normals(draws: Draws, name: str, step: int, numbers: Sequence[int], shape: tuple[int, ...]) -> torch.Tensor:
    """Standard normal noise of some samples of a step, by their numbers: [N, *shape]."""
    return torch.stack([draws.normal(name, step, index, shape) for index in numbers])


def drawn_noise(
    draws: Draws, step: int, numbers: Sequence[int], latent_shape: tuple[int, ...]
) -> dict[str, torch.Tensor]:
    """`noise` and uniform `timesteps` of some samples."""
    timesteps = [draws.integer("timestep", step, index, TRAINING_STEPS) for index in numbers]
    return {"noise": normals(draws, "noise", step, numbers, latent_shape), "timesteps": torch.tensor(timesteps)}


def loss_weights(process: Process, spec: TrainingSpec, timesteps_N: torch.Tensor) -> dict[str, torch.Tensor]:
    """`weights`, where the run's loss is weighted."""
    objective = spec.objective
    if objective.loss_weight != "min_snr":
        return {}
    return {"weights": min_snr_weights(process, timesteps_N.tolist(), objective.min_snr_gamma)}


def noise_losses(predicted_NCHW: torch.Tensor, given: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Weighted mean squared error [N] of the predicted noise."""
    losses_N = masked_mean((predicted_NCHW - given["noise"]).square(), given.get("cell_weights"))
    return losses_N * given["weights"] if "weights" in given else losses_N
