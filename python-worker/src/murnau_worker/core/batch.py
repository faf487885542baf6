"""What losses are computed of: samples with their prompts, and learnt rows, both by text tower.

Legend: N samples, L tokens, R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

# Learnt rows [R, D] by tower; a learnt word has the same rows in each.
Rows = Mapping[str, torch.Tensor]
# One prompt's ids by tower: with start and end, unpadded, at most the context's length, the end kept.
Prompt = Mapping[str, tuple[int, ...]]

# Factors that are 1 where a batch has none of its own.
_WEIGHTS = ("weights", "cell_weights")


@dataclass(frozen=True)
class Batch:
    """N samples, of one run or of several.

    `tokens`: each sample's ids by tower, as in a Prompt. `poolings`: how a tower pools each sample (empty: as usual).
    `tensors`: by name, the sample's axis first; which there are, the family says. Two names are everybody's: `weights`
    [N] of the losses, and `cell_weights` [N, 1, H, W] of each latent cell's squared error. `dropout_seed`: a tower's
    dropout is on and draws by it.
    """

    tokens: Mapping[str, tuple[tuple[int, ...], ...]]
    poolings: tuple[str, ...]
    tensors: Mapping[str, torch.Tensor] = field(default_factory=dict[str, torch.Tensor])
    dropout_seed: int | None = None

    @classmethod
    def of(
        cls,
        prompts: Sequence[Prompt],
        pooling: str | Sequence[str],
        tensors: Mapping[str, torch.Tensor] | None = None,
        dropout_seed: int | None = None,
    ) -> Batch:
        """One sample of each prompt. `pooling`: of all or of each."""
        towers = prompts[0] if prompts else {}
        tokens = {tower: tuple(prompt[tower] for prompt in prompts) for tower in towers}
        poolings: tuple[str, ...] = (pooling,) * len(prompts) if isinstance(pooling, str) else tuple(pooling)
        return cls(tokens, poolings, tensors or {}, dropout_seed)

    def __len__(self) -> int:
        return len(self.poolings)

    @property
    def prompts(self) -> tuple[Prompt, ...]:
        return tuple({tower: of_tower[place] for tower, of_tower in self.tokens.items()} for place in range(len(self)))

    @classmethod
    def cat(cls, batches: Sequence[Batch]) -> Batch:
        """All samples in order. Batches without a weight that another has count with 1; the first's dropout seed."""
        first = batches[0]
        if len(batches) == 1:
            return first
        names = dict.fromkeys(name for batch in batches for name in batch.tensors)
        return cls(
            tokens={tower: tuple(ids for batch in batches for ids in batch.tokens[tower]) for tower in first.tokens},
            poolings=tuple(pooling for batch in batches for pooling in batch.poolings),
            tensors={name: _joined(name, batches) for name in names},
            dropout_seed=first.dropout_seed,
        )

    def part(self, start: int, end: int) -> Batch:
        """The samples from `start` up to before `end`."""
        return replace(
            self,
            tokens={tower: of_tower[start:end] for tower, of_tower in self.tokens.items()},
            poolings=self.poolings[start:end],
            tensors={name: tensor[start:end] for name, tensor in self.tensors.items()},
        )

    def to(self, device: torch.device) -> Batch:
        """With its tensors on a device."""
        return replace(self, tensors={name: tensor.to(device) for name, tensor in self.tensors.items()})

    def having(self, **tensors: torch.Tensor) -> Batch:
        """With more tensors, or others of the same names."""
        return replace(self, tensors={**self.tensors, **tensors})

    def padded(self, tower: str, pad_id: int) -> tuple[torch.Tensor, torch.Tensor]:
        """A tower's ids [N, L] padded at the right to the longest, and their mask [N, L], on the CPU."""
        of_tower = self.tokens[tower]
        longest = max(map(len, of_tower))
        lengths_N = torch.tensor([len(ids) for ids in of_tower])
        ids_NL = torch.tensor([[*ids, *[pad_id] * (longest - len(ids))] for ids in of_tower])
        return ids_NL, torch.arange(longest) < lengths_N[:, None]


def _joined(name: str, batches: Sequence[Batch]) -> torch.Tensor:
    if name not in _WEIGHTS:
        return torch.cat([batch.tensors[name] for batch in batches])
    known = next(batch.tensors[name] for batch in batches if name in batch.tensors)
    parts = [batch.tensors.get(name) for batch in batches]
    ones = (torch.ones(len(batch), *known.shape[1:], device=known.device) for batch in batches)
    return torch.cat([one if part is None else part for part, one in zip(parts, ones, strict=True)])
