"""Many runs, one frozen model: the samples of several runs in one forward and backward pass.

A run trained alone is a pack of one: there is no other way to a gradient. Rows of all runs form one table per tower,
and each run's ids past the vocabulary are moved to where its rows lie in that table.
Legend: N samples of the pack, R rows of a run or of the pack, D row width.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.text_towers import Pooling
from murnau_worker.textual_inversion.batches import Samples
from murnau_worker.textual_inversion.objective import LearntPair, NoiseDraws, TrainingBatch, joint_losses
from murnau_worker.textual_inversion.prompts import PromptBatch, collate


@dataclass(frozen=True)
class PackGroup:
    """What runs must have in common to share a batch: the model, the latents' shape (C, H, W), the prior's steps."""

    model: str
    latent_shape: tuple[int, ...]
    prior_steps: int


@dataclass(frozen=True)
class Share:
    """One run's part of a pack. `weight`: of each sample's loss, 1 over the run's whole batch."""

    rows: LearntPair
    pooling: Pooling
    weight: float
    samples: Samples


@dataclass(frozen=True)
class StepGradients:
    """A run's weighted loss (before the update) and the gradients of its rows [R, D], on the CPU."""

    loss: float
    t1_RD: torch.Tensor
    t2_RD: torch.Tensor

    def __add__(self, other: StepGradients) -> StepGradients:
        return StepGradients(self.loss + other.loss, self.t1_RD + other.t1_RD, self.t2_RD + other.t2_RD)


def packed_gradients(model: Kandinsky, shares: Sequence[Share]) -> list[StepGradients]:
    """Gradients of the sum of all shares' weighted losses, split by share; only rows get gradients.

    All shares must be of one `PackGroup`. What a share gets depends on its neighbours by floating-point noise only.
    """
    device = model.device
    leaves = LearntPair(
        torch.cat([share.rows.t1_RD.detach() for share in shares]).to(device).requires_grad_(),
        torch.cat([share.rows.t2_RD.detach() for share in shares]).to(device).requires_grad_(),
    )
    poolings: list[Pooling] = [share.pooling for share in shares for _ in share.samples.prompts]
    weights_N = torch.tensor([share.weight for share in shares for _ in share.samples.prompts], device=device)
    with torch.enable_grad():
        losses_N = joint_losses(model, _join(model, shares, device), leaves, poolings) * weights_N
        t1_RD, t2_RD = torch.autograd.grad(losses_N.sum(), [leaves.t1_RD, leaves.t2_RD])
    losses: list[torch.Tensor] = list(losses_N.detach().double().cpu().split([len(share.samples) for share in shares]))
    rows = [len(share.rows.t1_RD) for share in shares]
    parts = zip(losses, t1_RD.cpu().split(rows), t2_RD.cpu().split(rows), strict=True)
    return [StepGradients(float(loss_N.sum()), part_t1, part_t2) for loss_N, part_t1, part_t2 in parts]


def _join(model: Kandinsky, shares: Sequence[Share], device: torch.device) -> TrainingBatch:
    """The samples of all shares as one batch on the device."""
    samples = [share.samples for share in shares]
    draws = [part.draws for part in samples]
    return TrainingBatch(
        latents_NCHW=_cat(part.latents_NCHW for part in samples).to(device),
        prompts=_join_prompts(model, shares, device),
        draws=NoiseDraws(
            noise_NCHW=_cat(part.noise_NCHW for part in draws).to(device),
            timesteps_N=_cat(part.timesteps_N for part in draws).to(device),
            prior_init_NE=_cat(part.prior_init_NE for part in draws).to(device),
            prior_steps_SNE=_cat((part.prior_steps_SNE for part in draws), dim=1).to(device),
        ),
        weights_N1HW=_join_weights(samples, device),
    )


def _join_weights(samples: Sequence[Samples], device: torch.device) -> torch.Tensor | None:
    """Weights of the samples' cells; 1 for runs without masks where another run of the pack has some."""
    if all(part.weights_N1HW is None for part in samples):
        return None
    return _cat(
        (torch.ones_like(part.latents_NCHW[:, :1]) if part.weights_N1HW is None else part.weights_N1HW).to(device)
        for part in samples
    )


def _join_prompts(model: Kandinsky, shares: Sequence[Share], device: torch.device) -> PromptBatch:
    """All prompts, padded to the longest; ids of learnt rows moved by the rows of the shares before."""
    first_rows: list[int] = []
    rows_before = 0
    for share in shares:
        first_rows += [rows_before] * len(share.samples)
        rows_before += len(share.rows.t1_RD)
    first_N1 = torch.tensor(first_rows)[:, None]
    batch = collate([prompt for share in shares for prompt in share.samples.prompts], model.t1.pad_id)
    t1_NL, t2_NL = batch.t1_ids_NL, batch.t2_ids_NL
    return PromptBatch(
        t1_ids_NL=(t1_NL + first_N1 * (t1_NL >= model.t1.rows.vocabulary_size)).to(device),
        t2_ids_NL=(t2_NL + first_N1 * (t2_NL >= model.t2.rows.vocabulary_size)).to(device),
        t2_mask_NL=batch.t2_mask_NL.to(device),
    )


def _cat(tensors: Iterable[torch.Tensor], dim: int = 0) -> torch.Tensor:
    return torch.cat(list(tensors), dim)
