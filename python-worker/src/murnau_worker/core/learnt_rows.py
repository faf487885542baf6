"""Token embeddings of which a few rows are learnt: the frozen vocabulary table and a small table beside it.

Legend: B batch, L tokens, D row width, V vocabulary rows, R learnt rows.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager

import torch
import torch.nn.functional as F
from torch import nn


class LearntRows(nn.Module):
    """Stands in for a tower's `nn.Embedding`; an id of V + r reads learnt row r of the rows now in use.

    The same module serves training (rows that need a gradient), sampling (several learnt words in one prompt) and the
    plain model (no rows). The rows in use are set for the length of a `with using(...)` only; one thread owns a model.
    """

    def __init__(self, table: nn.Embedding) -> None:
        super().__init__()
        self.table = table.requires_grad_(False)
        self._rows_RD: torch.Tensor | None = None

    @property
    def weight(self) -> torch.Tensor:
        """The frozen table [V, D], under the name that `nn.Embedding` gives it."""
        return self.table.weight

    @property
    def vocabulary_size(self) -> int:
        return self.table.num_embeddings

    @contextmanager
    def using(self, rows_RD: torch.Tensor | None) -> Generator[None]:
        """Reads ids past the vocabulary from `rows_RD` inside the block."""
        before, self._rows_RD = self._rows_RD, rows_RD
        try:
            yield
        finally:
            self._rows_RD = before

    def forward(self, ids_BL: torch.Tensor) -> torch.Tensor:
        """[B, L] ids → [B, L, D] embeddings. Ids past V + R raise IndexError."""
        if self._rows_RD is None:
            return F.embedding(ids_BL, self.table.weight)
        known_BLD = F.embedding(ids_BL.clamp(max=self.vocabulary_size - 1), self.table.weight)
        rows_RD = self._rows_RD.to(
            self.table.weight
        )  # learnt rows stay fp32; what is read of them has the table's dtype
        learnt_BLD = F.embedding((ids_BL - self.vocabulary_size).clamp(min=0), rows_RD)
        return torch.where((ids_BL >= self.vocabulary_size)[..., None], learnt_BLD, known_BLD)
