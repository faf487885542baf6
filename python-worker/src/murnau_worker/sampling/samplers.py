"""The samplers of latents by the names that requests use."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from murnau_worker.sampling.ddim import sample_ddim
from murnau_worker.sampling.guidance import Denoiser, Sampling, SamplingRequest
from murnau_worker.sampling.p_sampler import sample_p
from murnau_worker.sampling.plms import sample_plms
from murnau_worker.sampling.tables import TRAINING_STEPS, respaced_timesteps


@dataclass(frozen=True)
class Sampler:
    """A sampler. `process(num_steps)`: timesteps of its whole process, which a picture's `strength` is a share of.

    `thresholds`: it clips predicted pictures at a percentile.
    """

    run: Callable[[Denoiser, SamplingRequest], Sampling]
    process: Callable[[int], tuple[int, ...]]
    takes_eta: bool = False
    thresholds: bool = False


def _whole_process(_: int) -> tuple[int, ...]:
    """DDIM and PLMS pick their steps from all 1000 timesteps."""
    return tuple(range(TRAINING_STEPS))


DEFAULT_SAMPLER = "ddim_sampler"
SAMPLERS: dict[str, Sampler] = {
    "ddim_sampler": Sampler(sample_ddim, _whole_process, takes_eta=True),
    "plms_sampler": Sampler(sample_plms, _whole_process),
    "p_sampler": Sampler(sample_p, respaced_timesteps, thresholds=True),
}
