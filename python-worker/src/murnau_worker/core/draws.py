"""Counter-based random draws: each is a function of (seed, step, sample, purpose) and of nothing drawn before.

So a run resumed at any step draws what it would have drawn, and what it draws does not depend on its neighbours.
Scheme 1: Philox (Salmon et al. 2011) keyed by SHA-256 of the counters.
"""

from __future__ import annotations

import hashlib
import threading
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import torch

SCHEME_VERSION = 1


class _Philox(threading.local):
    """One generator per thread, set to a fresh state before each draw: making one takes as long as a small draw."""

    def __init__(self) -> None:
        self._bits: Any = np.random.Philox(key=0)
        self._fresh: dict[str, Any] = self._bits.state
        self._generator = np.random.Generator(self._bits)

    def keyed(self, key: bytes) -> np.random.Generator:
        """The generator as if made with this key of 16 bytes."""
        counter = self._fresh["state"]["counter"]
        self._bits.state = {**self._fresh, "state": {"counter": counter, "key": np.frombuffer(key, dtype="<u8")}}
        return self._generator


_PHILOX = _Philox()


def _digest(seed: int | str, purpose: str, step: int, sample: int) -> bytes:
    key = f"murnau/{SCHEME_VERSION}/{seed}/{purpose}/{step}/{sample}"
    return hashlib.sha256(key.encode()).digest()


@lru_cache(maxsize=256)
def _permutation(seed: int | str, purpose: str, step: int, length: int) -> tuple[int, ...]:
    """Kept, since every sample of an epoch asks for the same one: that of 3,000 pictures takes 6 ms."""
    return tuple(sorted(range(length), key=lambda index: _digest(seed, purpose, step, index)))


@dataclass(frozen=True)
class Draws:
    """Random draws of one seed. `seed` may be any text or number: datasets draw by their hash."""

    seed: int | str

    def uniform(self, purpose: str, step: int, sample: int) -> float:
        """A number in [0, 1) with 53 random bits."""
        return (int.from_bytes(_digest(self.seed, purpose, step, sample)[:8], "big") >> 11) * 2.0**-53

    def integer(self, purpose: str, step: int, sample: int, below: int) -> int:
        """A whole number in 0..below-1."""
        return int(self.uniform(purpose, step, sample) * below)

    def permutation(self, purpose: str, step: int, length: int) -> tuple[int, ...]:
        """An order of 0..length-1."""
        return _permutation(self.seed, purpose, step, length)

    def normal(self, purpose: str, step: int, sample: int, shape: tuple[int, ...]) -> torch.Tensor:
        """Standard normal numbers in fp32 on the CPU."""
        generator = _PHILOX.keyed(_digest(self.seed, purpose, step, sample)[:16])
        return torch.from_numpy(generator.standard_normal(shape, dtype=np.float32))
