"""What predicted clean latents are held to. Legend: N pictures, C latent channels, H/W latent size."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch

Paste = Callable[[torch.Tensor], torch.Tensor]


class Limit(Protocol):
    def apply(self, clean_NCHW: torch.Tensor) -> torch.Tensor: ...


@dataclass(frozen=True)
class Clamp:
    """To ±`largest`."""

    largest: float

    def apply(self, clean_NCHW: torch.Tensor) -> torch.Tensor:
        return clean_NCHW.clamp(-self.largest, self.largest)


@dataclass(frozen=True)
class Percentile:
    """Dynamic thresholding (Saharia et al. 2022): clips a picture to a percentile of its own, at least 1, and divides
    by it.

    `share`: the percentile in 0..1. `shares_first`: all pictures take that of the batch's first, as the originals do;
    else a picture does not depend on what it is drawn with.
    """

    share: float
    shares_first: bool = False

    def apply(self, clean_NCHW: torch.Tensor) -> torch.Tensor:
        measured = clean_NCHW[:1] if self.shares_first else clean_NCHW
        limits = [torch.quantile(picture.abs().flatten(), self.share).clamp(min=1.0) for picture in measured]
        limit_N111 = torch.stack(limits)[:, None, None, None]
        return clean_NCHW.clamp(-limit_N111, limit_N111) / limit_N111


@dataclass(frozen=True)
class Threshold:
    """`first` is applied, then what inpainting keeps is pasted, then `last`. What is kept may lie beyond the first."""

    first: Limit | None = None
    last: Limit | None = None

    @property
    def limits(self) -> bool:
        return self.first is not None or self.last is not None

    @property
    def shares_first(self) -> bool:
        """Whether pictures depend on the first of their batch."""
        return any(isinstance(limit, Percentile) and limit.shares_first for limit in (self.first, self.last))

    def apply(self, clean_NCHW: torch.Tensor, paste: Paste | None) -> torch.Tensor:
        """`paste`: puts what inpainting keeps into its place."""
        clean_NCHW = self.first.apply(clean_NCHW) if self.first is not None else clean_NCHW
        clean_NCHW = paste(clean_NCHW) if paste is not None else clean_NCHW
        return self.last.apply(clean_NCHW) if self.last is not None else clean_NCHW


NO_THRESHOLD = Threshold()
