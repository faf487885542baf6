"""The noise of a drawing: each picture's is a function of its own seed, so that its neighbours do not matter.

Legend: C latent channels, H/W latent cells, S prior steps, E joint width.
"""

from __future__ import annotations

from typing import Protocol

import torch

from murnau_worker.core.draws import Draws

NEGATIVE_TEXT = -1  # number of the decoder's negative prompt among the texts that the prior samples

Shape = tuple[int, int, int]


class NoiseSource(Protocol):
    """Standard normal noise in fp32 on the CPU for the picture of a seed."""

    def prior(self, seed: int, text: int, steps: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        """What the prior starts from [E] and its steps' noise [S, E]; `text`: number of the text, from 0."""
        ...

    def start(self, seed: int, shape: Shape) -> torch.Tensor:
        """What the decoder starts from, or what a picture is noised by: [C, H, W]."""
        ...

    def step(self, seed: int, step: int, shape: Shape) -> torch.Tensor:
        """Fresh noise of a decoder step, counted from 0: [C, H, W]."""
        ...


class SeededNoise:
    """The noise of every real request."""

    def prior(self, seed: int, text: int, steps: int, width: int) -> tuple[torch.Tensor, torch.Tensor]:
        draws = Draws(seed)
        return draws.normal("prior_init", 0, text, (width,)), draws.normal("prior_steps", 0, text, (steps, width))

    def start(self, seed: int, shape: Shape) -> torch.Tensor:
        return Draws(seed).normal("start", 0, 0, shape)

    def step(self, seed: int, step: int, shape: Shape) -> torch.Tensor:
        return Draws(seed).normal("steps", step, 0, shape)
