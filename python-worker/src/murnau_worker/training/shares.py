"""Parts of runs in a pack, and what each gets of the pack's step. Legend: N samples, R rows of a run, D row width."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass, replace

import torch

from murnau_worker.core.batch import Batch, Rows


@dataclass(frozen=True)
class PackGroup:
    """What runs must have in common to share a batch: the model, the loss, the latents' shape (C, H, W; empty where the
    loss reads none) and what the family adds.
    """

    model: str
    phase: str
    latent_shape: tuple[int, ...]
    key: Hashable


@dataclass(frozen=True)
class Share:
    """One run's part of a pack. `weight`: of each sample's loss, 1 over the run's whole batch."""

    phase: str
    rows: Rows
    weight: float
    batch: Batch

    @property
    def row_count(self) -> int:
        return len(next(iter(self.rows.values())))

    def moved(self, rows_before: int, vocabulary_size: Callable[[str], int]) -> Batch:
        """The batch with its ids of learnt rows moved by the rows of the shares before."""
        if rows_before == 0:
            return self.batch
        tokens: dict[str, tuple[tuple[int, ...], ...]] = {}
        for tower, of_tower in self.batch.tokens.items():
            first = vocabulary_size(tower)
            tokens[tower] = tuple(
                tuple(token + rows_before if token >= first else token for token in ids) for ids in of_tower
            )
        return replace(self.batch, tokens=tokens)


@dataclass(frozen=True)
class StepGradients:
    """A run's weighted loss (before the update), and the gradients [R, D] of the rows that it reaches, on the CPU."""

    loss: float
    rows: Rows

    def __add__(self, other: StepGradients) -> StepGradients:
        both = {tower: self.rows[tower] + other.rows[tower] for tower in self.rows if tower in other.rows}
        return StepGradients(self.loss + other.loss, {**self.rows, **other.rows, **both})


def split(
    losses_N: torch.Tensor, gradients: Mapping[str, torch.Tensor | None], shares: Sequence[Share]
) -> list[StepGradients]:
    """Each share's loss, and its rows' gradients. `gradients`: of all rows by tower; None: not reached."""
    losses = losses_N.detach().double().cpu().split([len(share.batch) for share in shares])
    counts = [share.row_count for share in shares]
    by_tower = {tower: rows_RD.cpu().split(counts) for tower, rows_RD in gradients.items() if rows_RD is not None}
    return [
        StepGradients(float(loss_N.sum()), {tower: parts[place] for tower, parts in by_tower.items()})
        for place, loss_N in enumerate(losses)
    ]
