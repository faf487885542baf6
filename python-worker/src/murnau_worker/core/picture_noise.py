"""The noise of a drawing: each picture's is a function of its own seed, so that its neighbours do not matter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import torch

from murnau_worker.core.draws import Draws

Shape = tuple[int, int, int]  # channels, rows and columns of latents


class NoiseSource(Protocol):
    """Standard normal noise in fp32 on the CPU for the picture of a seed."""

    def normal(self, seed: int, purpose: str, step: int, number: int, shape: tuple[int, ...]) -> torch.Tensor:
        """`purpose`, `step` and `number` tell the draws of one picture apart."""
        ...


class SeededNoise:
    """The noise of every real request."""

    def normal(self, seed: int, purpose: str, step: int, number: int, shape: tuple[int, ...]) -> torch.Tensor:
        return Draws(seed).normal(purpose, step, number, shape)


@dataclass(frozen=True)
class PictureNoise:
    """The noise of a request's pictures, one of each seed. `place`: of a picture among them."""

    source: NoiseSource
    seeds: tuple[int, ...]

    def __len__(self) -> int:
        return len(self.seeds)

    def start(self, place: int, shape: Shape) -> torch.Tensor:
        """What the sampler starts from, or what a picture is noised by: [C, H, W]."""
        return self.source.normal(self.seeds[place], "start", 0, 0, shape)

    def step(self, place: int, step: int, shape: Shape) -> torch.Tensor:
        """Fresh noise of a sampler's step, counted from 0: [C, H, W]."""
        return self.source.normal(self.seeds[place], "steps", step, 0, shape)

    def of_condition(self, place: int, purpose: str, number: int, shape: tuple[int, ...]) -> torch.Tensor:
        """Noise that a condition is sampled from. `number`: of the text among those of the picture, from 0."""
        return self.source.normal(self.seeds[place], purpose, 0, number, shape)
