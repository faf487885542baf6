"""Counter-based random draws: each is a function of (seed, step, sample, purpose) and of nothing drawn before.

So a run resumed at any step draws what it would have drawn, and what it draws does not depend on its neighbours.
Scheme 1: Philox (Salmon et al. 2011) keyed by SHA-256 of the counters.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np
import torch

SCHEME_VERSION = 1


@dataclass(frozen=True)
class Draws:
    """Random draws of one seed. `seed` may be any text or number: datasets draw by their hash."""

    seed: int | str

    def _digest(self, purpose: str, step: int, sample: int) -> bytes:
        key = f"murnau/{SCHEME_VERSION}/{self.seed}/{purpose}/{step}/{sample}"
        return hashlib.sha256(key.encode()).digest()

    def uniform(self, purpose: str, step: int, sample: int) -> float:
        """A number in [0, 1) with 53 random bits."""
        return (int.from_bytes(self._digest(purpose, step, sample)[:8], "big") >> 11) * 2.0**-53

    def integer(self, purpose: str, step: int, sample: int, below: int) -> int:
        """A whole number in 0..below-1."""
        return int(self.uniform(purpose, step, sample) * below)

    def permutation(self, purpose: str, step: int, length: int) -> list[int]:
        """An order of 0..length-1."""
        return sorted(range(length), key=lambda index: self._digest(purpose, step, index))

    def normal(self, purpose: str, step: int, sample: int, shape: tuple[int, ...]) -> torch.Tensor:
        """Standard normal numbers in fp32 on the CPU."""
        key = np.frombuffer(self._digest(purpose, step, sample)[:16], dtype="<u8")
        generator = np.random.Generator(np.random.Philox(key=key))
        return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))
