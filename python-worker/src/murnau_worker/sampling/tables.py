"""Diffusion tables in float64 and the original's lists of steps.

Source: ai-forever/Kandinsky-2 `kandinsky2/model/gaussian_diffusion.py`, `respace.py`, `samplers.py`. The tables stay
in float64 and each coefficient is rounded once, where it meets a tensor: fp32 tables put 5 prior steps off by 2.5e-3.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Float64s = NDArray[np.float64]
TRAINING_STEPS = 1000


def linear_betas(start: float = 0.00085, end: float = 0.012) -> Float64s:
    """The decoder's betas."""
    return np.linspace(start, end, TRAINING_STEPS, dtype=np.float64)


def cosine_betas(largest: float = 0.999) -> Float64s:
    """The prior's betas: squared cosine (Nichol & Dhariwal 2021, eq. 17), each at most `largest`."""

    def alpha_bar(time: float) -> float:
        return math.cos((time + 0.008) / 1.008 * math.pi / 2) ** 2

    pairs = pairwise(index / TRAINING_STEPS for index in range(TRAINING_STEPS + 1))
    return np.array([min(1 - alpha_bar(after) / alpha_bar(before), largest) for before, after in pairs])


def respaced_timesteps(steps: int) -> tuple[int, ...]:
    """The original's `timestep_respacing=str(steps)`: evenly from 0 to 999, both included, rounded half to even."""
    if not 1 <= steps <= TRAINING_STEPS:
        raise ValueError(f"steps must lie in 1..{TRAINING_STEPS}, not {steps}")
    stride = 1.0 if steps == 1 else (TRAINING_STEPS - 1) / (steps - 1)
    position = 0.0
    taken: list[int] = []
    for _ in range(steps):
        taken.append(round(position))
        position += stride
    return tuple(sorted(set(taken)))


def ddim_timesteps(steps: int) -> tuple[int, ...]:
    """The original's DDIM list, rising: `range(0, 1000, 1000 // steps) + 1`, so that 7 steps are 8 and 30 are 31.

    The original reads past its table where the list reaches 1000 (steps 1000, 501 and others); ours stops at 999.
    """
    if not 1 <= steps <= TRAINING_STEPS:
        raise ValueError(f"steps must lie in 1..{TRAINING_STEPS}, not {steps}")
    stride = TRAINING_STEPS // steps
    return tuple(min(step + 1, TRAINING_STEPS - 1) for step in range(0, TRAINING_STEPS, stride))


@dataclass(frozen=True)
class PosteriorTables:
    """q(x_{t-1} | x_t, x_0) of a respaced process, indexed by position in `timesteps` (rising)."""

    timesteps: tuple[int, ...]
    betas: Float64s
    clean_coefficient: Float64s
    noised_coefficient: Float64s
    log_variance: Float64s
    sqrt_recip_alpha_bar: Float64s
    sqrt_recip_minus_one: Float64s


def _posterior_tables(betas: Float64s, steps: int) -> PosteriorTables:
    timesteps = respaced_timesteps(steps)
    all_alpha_bar = np.cumprod(1.0 - betas, dtype=np.float64)
    alpha_bar = all_alpha_bar[list(timesteps)]
    before = np.append(1.0, alpha_bar[:-1])
    respaced = 1.0 - alpha_bar / before
    variance = respaced * (1.0 - before) / (1.0 - alpha_bar)
    floor = variance[1] if len(variance) > 1 else respaced[0]  # the first variance is 0: its logarithm is clipped
    return PosteriorTables(
        timesteps=timesteps,
        betas=respaced,
        clean_coefficient=respaced * np.sqrt(before) / (1.0 - alpha_bar),
        noised_coefficient=(1.0 - before) * np.sqrt(1.0 - respaced) / (1.0 - alpha_bar),
        log_variance=np.log(np.append(floor, variance[1:])),
        sqrt_recip_alpha_bar=np.sqrt(1.0 / alpha_bar),
        sqrt_recip_minus_one=np.sqrt(1.0 / alpha_bar - 1.0),
    )


@lru_cache(maxsize=64)
def prior_tables(steps: int) -> PosteriorTables:
    """Tables of the prior's sampler."""
    return _posterior_tables(cosine_betas(), steps)


@lru_cache(maxsize=64)
def decoder_tables(steps: int) -> PosteriorTables:
    """Tables of the decoder's p_sampler."""
    return _posterior_tables(linear_betas(), steps)


@lru_cache(maxsize=1)
def decoder_alpha_bar() -> Float64s:
    """Cumulative products of the decoder's alphas, [1000]."""
    return np.cumprod(1.0 - linear_betas(), dtype=np.float64)
