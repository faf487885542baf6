"""Samples, their prompts and noise, and learnt rows: what losses are computed of.

Legend: N samples, L tokens, C latent channels, H/W latent cells, S prior steps, E joint width,
R learnt rows, D row width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch


@dataclass(frozen=True)
class LearntPair:
    """Learnt rows of both towers: t1 [R, D1] (decoder) and t2 [R, D2] (prior)."""

    t1_RD: torch.Tensor
    t2_RD: torch.Tensor


@dataclass(frozen=True)
class PromptIds:
    """One prompt's ids with start and end, unpadded, at most the context's length, the end kept."""

    t1: tuple[int, ...]
    t2: tuple[int, ...]


@dataclass(frozen=True)
class PromptBatch:
    """Padded ids: t1 [N, L1] with XLM-R's pad, t2 [N, L2] with 0 and its mask [N, L2]."""

    t1_ids_NL: torch.Tensor
    t2_ids_NL: torch.Tensor
    t2_mask_NL: torch.Tensor


def collate(prompts: Sequence[PromptIds], t1_pad_id: int) -> PromptBatch:
    """Pads prompts to the longest of them."""
    longest_t1 = max(len(prompt.t1) for prompt in prompts)
    longest_t2 = max(len(prompt.t2) for prompt in prompts)
    t2_lengths_N = torch.tensor([len(prompt.t2) for prompt in prompts])
    return PromptBatch(
        t1_ids_NL=torch.tensor([[*p.t1, *[t1_pad_id] * (longest_t1 - len(p.t1))] for p in prompts]),
        t2_ids_NL=torch.tensor([[*p.t2, *[0] * (longest_t2 - len(p.t2))] for p in prompts]),
        t2_mask_NL=torch.arange(longest_t2) < t2_lengths_N[:, None],
    )


@dataclass(frozen=True)
class NoiseDraws:
    """Everything random of a batch: decoder noise and timesteps, the prior's first and per-step noise."""

    noise_NCHW: torch.Tensor
    timesteps_N: torch.Tensor
    prior_init_NE: torch.Tensor
    prior_steps_SNE: torch.Tensor


@dataclass(frozen=True)
class DecoderSamples:
    """N samples of one run, not yet padded: latents [N, C, H, W], prompts with the run's own ids, and noise.

    `image_NE`: image embeddings of the decoder's phase; none: the prior samples them. `weights_N`: of the losses.
    `cell_weights_N1HW`: of each cell's squared error; none: all the same.
    """

    latents_NCHW: torch.Tensor
    prompts: tuple[PromptIds, ...]
    draws: NoiseDraws
    image_NE: torch.Tensor | None = None
    weights_N: torch.Tensor | None = None
    cell_weights_N1HW: torch.Tensor | None = None

    def __len__(self) -> int:
        return len(self.prompts)


@dataclass(frozen=True)
class PriorSamples:
    """N samples of the prior's phase: prompts, clean image embeddings [N, E], their noise and timesteps."""

    prompts: tuple[PromptIds, ...]
    image_NE: torch.Tensor
    noise_NE: torch.Tensor
    timesteps_N: torch.Tensor

    def __len__(self) -> int:
        return len(self.prompts)


@dataclass(frozen=True)
class TrainingBatch:
    """`image_NE`: image embeddings that the decoder is given instead of the prior's. `weights_N`: of the losses.
    `cell_weights_N1HW`: of each cell's squared error; none: all the same.

    `dropout_seed`: XLM-R's dropout is on and draws by it.
    """

    latents_NCHW: torch.Tensor
    prompts: PromptBatch
    draws: NoiseDraws
    image_NE: torch.Tensor | None = None
    weights_N: torch.Tensor | None = None
    cell_weights_N1HW: torch.Tensor | None = None
    dropout_seed: int | None = None


@dataclass(frozen=True)
class PriorBatch:
    """For the prior's one-step loss: clean embeddings [N, E] in CLIP's space, their noise and timesteps."""

    prompts: PromptBatch
    image_NE: torch.Tensor
    noise_NE: torch.Tensor
    timesteps_N: torch.Tensor
