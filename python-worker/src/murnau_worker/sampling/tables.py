"""Diffusion tables in float64 and the original's lists of steps.

Source: ai-forever/Kandinsky-2 `kandinsky2/model/gaussian_diffusion.py`, `respace.py`, `samplers.py`. The tables stay
in float64 and each coefficient is rounded once, where it meets a tensor: fp32 tables put five steps of a prior's
sampler off by 2.5e-3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property, lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
TRAINING_STEPS = 1000


def linear_betas(start: float, end: float) -> Float64s:
    """Betas that rise linearly."""
    return np.linspace(start, end, TRAINING_STEPS, dtype=np.float64)


def cosine_betas(largest: float = 0.999) -> Float64s:
    """Squared cosine (Nichol & Dhariwal 2021, eq. 17), each at most `largest`."""

    def alpha_bar(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    pairs = pairwise(index / TRAINING_STEPS for index in range(TRAINING_STEPS + 1))
    return np.array([min(1 - alpha_bar(after) / alpha_bar(before), largest) for before, after in pairs])


def respaced_timesteps(*counts: int) -> tuple[int, ...]:
    """The original's `space_timesteps`, rising: of as many equal sections as there are counts, each as many timesteps.

    Within a section they lie evenly, both ends included, rounded half to even. Raises ValueError for a section of
    more timesteps than it has, and where none at all are taken.
    """
    taken: set[int] = set()
    start = 0
    for section, count in enumerate(counts):
        size = TRAINING_STEPS // len(counts) + (1 if section < TRAINING_STEPS % len(counts) else 0)
        if not 0 <= count <= size:
            raise ValueError(f"{count} timesteps can not be taken from a section of {size}")
        stride = 1.0 if count == 1 else (size - 1) / max(count - 1, 1)
        position = 0.0
        for _ in range(count):
            taken.add(start + round(position))
            position += stride
        start += size
    if not taken:
        raise ValueError("at least one timestep must be taken")
    return tuple(sorted(taken))


def ddim_timesteps(steps: int) -> tuple[int, ...]:
    """The original's DDIM list, rising: `range(0, 1000, 1000 // steps) + 1`, so that 7 steps are 8 and 30 are 31.

    The original reads past its table where the list reaches 1000 (steps 1000, 501 and others); ours stops at 999.
    """
    if not 1 <= steps <= TRAINING_STEPS:
        raise ValueError(f"steps must lie in 1..{TRAINING_STEPS}, not {steps}")
    stride = TRAINING_STEPS // steps
    return tuple(min(step + 1, TRAINING_STEPS - 1) for step in range(0, TRAINING_STEPS, stride))


@dataclass(frozen=True)
class DdimTables:
    """Steps of DDIM and PLMS, rising, with each one's alpha-bar, the next smaller one's, and its share of noise."""

    timesteps: tuple[int, ...]
    alpha_bar: Float64s
    alpha_bar_before: Float64s
    sigma: Float64s


@dataclass(frozen=True)
class PosteriorTables:
    """q(x_{t-1} | x_t, x_0) of a respaced process, indexed by position in `timesteps` (rising)."""

    timesteps: tuple[int, ...]
    betas: Float64s
    alpha_bar_before: Float64s
    clean_coefficient: Float64s
    noised_coefficient: Float64s
    log_variance: Float64s
    sqrt_recip_alpha_bar: Float64s
    sqrt_recip_minus_one: Float64s


class Process:
    """A diffusion process by the betas of its 1000 timesteps, and the tables that samplers and losses read of it."""

    def __init__(self, betas: Float64s) -> None:
        self._betas = betas

    @cached_property
    def alpha_bar(self) -> Float64s:
        """Cumulative products of the alphas, [1000]."""
        return np.cumprod(1.0 - self._betas, dtype=np.float64)

    def ddim(self, steps: int, start_step: int | None = None, eta: float = 0.0) -> DdimTables:
        """Tables of a DDIM list; `start_step` keeps the timesteps up to it (the original's `apply_init_step`)."""
        return _ddim_tables(self, steps, start_step, eta)

    def posterior(self, timesteps: tuple[int, ...]) -> PosteriorTables:
        """Tables of the process of which only the given timesteps are kept."""
        return _posterior_tables(self, timesteps)


@lru_cache(maxsize=64)
def _ddim_tables(process: Process, steps: int, start_step: int | None, eta: float) -> DdimTables:
    timesteps = tuple(step for step in ddim_timesteps(steps) if start_step is None or step <= start_step)
    alpha_bar = process.alpha_bar[list(timesteps)]
    before = np.append(process.alpha_bar[0], alpha_bar[:-1])
    sigma = eta * np.sqrt((1.0 - before) / (1.0 - alpha_bar) * (1.0 - alpha_bar / before))
    return DdimTables(timesteps, alpha_bar, before, sigma)


@lru_cache(maxsize=64)
def _posterior_tables(process: Process, timesteps: tuple[int, ...]) -> PosteriorTables:
    alpha_bar = process.alpha_bar[list(timesteps)]
    before = np.append(1.0, alpha_bar[:-1])
    respaced = 1.0 - alpha_bar / before
    variance = respaced * (1.0 - before) / (1.0 - alpha_bar)
    floor = variance[1] if len(variance) > 1 else respaced[0]  # the first variance is 0: its logarithm is clipped
    return PosteriorTables(
        timesteps=timesteps,
        betas=respaced,
        alpha_bar_before=before,
        clean_coefficient=respaced * np.sqrt(before) / (1.0 - alpha_bar),
        noised_coefficient=(1.0 - before) * np.sqrt(1.0 - respaced) / (1.0 - alpha_bar),
        log_variance=np.log(np.append(floor, variance[1:])),
        sqrt_recip_alpha_bar=np.sqrt(1.0 / alpha_bar),
        sqrt_recip_minus_one=np.sqrt(1.0 / alpha_bar - 1.0),
    )
