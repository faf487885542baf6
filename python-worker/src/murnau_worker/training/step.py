"""Many runs, one frozen model: the samples of several runs in one forward and backward pass.

A run trained alone is a pack of one: there is no other way to a gradient. Rows of all runs form one table per tower,
and each run's ids past the vocabulary are moved to where its rows lie in that table.
Legend: N samples of the pack, R rows of a run or of the pack, D row width.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch

from murnau_worker.core.batch import (
    DecoderSamples,
    LearntPair,
    NoiseDraws,
    PriorBatch,
    PriorSamples,
    PromptBatch,
    TrainingBatch,
    collate,
)
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import Pooling, TrainingSpec
from murnau_worker.families.kandinsky21.losses import decoder_losses, prior_losses
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.phases import schedule_place
from murnau_worker.models.model_parts import VocabularyScale
from murnau_worker.training.optimizer import TrainedRows, schedule_factor, tangent
from murnau_worker.training.state import RunState


@dataclass(frozen=True)
class PackGroup:
    """What runs must have in common to share a batch: the model, the loss, the latents' shape (C, H, W; empty where the
    loss reads none) and the prior's sampling steps (0 where it samples nothing).
    """

    model: str
    phase: str
    latent_shape: tuple[int, ...]
    prior_steps: int


@dataclass(frozen=True)
class Share:
    """One run's part of a pack. `weight`: of each sample's loss, 1 over the run's whole batch."""

    rows: LearntPair
    pooling: Pooling
    weight: float
    samples: DecoderSamples | PriorSamples
    dropout_seed: int | None = None


@dataclass(frozen=True)
class StepGradients:
    """A run's weighted loss (before the update) and the gradients of its rows [R, D], on the CPU.

    None: the loss does not reach the tower.
    """

    loss: float
    t1_RD: torch.Tensor | None
    t2_RD: torch.Tensor | None

    def __add__(self, other: StepGradients) -> StepGradients:
        return StepGradients(self.loss + other.loss, _sum(self.t1_RD, other.t1_RD), _sum(self.t2_RD, other.t2_RD))


def _sum(one: torch.Tensor | None, other: torch.Tensor | None) -> torch.Tensor | None:
    return other if one is None else one if other is None else one + other


def packed_gradients(model: Kandinsky, shares: Sequence[Share]) -> list[StepGradients]:
    """Gradients of the sum of all shares' weighted losses, split by share; only rows get gradients.

    All shares must be of one `PackGroup`. What a share gets depends on its neighbours by floating-point noise only.
    """
    device = model.device
    leaves = LearntPair(
        torch.cat([share.rows.t1_RD.detach() for share in shares]).to(device).requires_grad_(),
        torch.cat([share.rows.t2_RD.detach() for share in shares]).to(device).requires_grad_(),
    )
    weights_N = torch.tensor([share.weight for share in shares for _ in share.samples.prompts], device=device)
    with torch.enable_grad():
        losses_N = _losses(model, shares, leaves, device) * weights_N
        t1_RD, t2_RD = torch.autograd.grad(losses_N.sum(), [leaves.t1_RD, leaves.t2_RD], allow_unused=True)
    losses: list[torch.Tensor] = list(losses_N.detach().double().cpu().split([len(share.samples) for share in shares]))
    rows = [len(share.rows.t1_RD) for share in shares]
    parts = zip(losses, _split(t1_RD, rows), _split(t2_RD, rows), strict=True)
    return [StepGradients(float(loss_N.sum()), part_t1, part_t2) for loss_N, part_t1, part_t2 in parts]


def _split(gradient_RD: torch.Tensor | None, rows: list[int]) -> Sequence[torch.Tensor | None]:
    return [None] * len(rows) if gradient_RD is None else gradient_RD.cpu().split(rows)


def _losses(model: Kandinsky, shares: Sequence[Share], leaves: LearntPair, device: torch.device) -> torch.Tensor:
    """Of all samples of all shares [N], before the shares' weights."""
    poolings: list[Pooling] = [share.pooling for share in shares for _ in share.samples.prompts]
    prompts = _join_prompts(model, shares, device)
    of_prior = [share.samples for share in shares if isinstance(share.samples, PriorSamples)]
    if of_prior:
        batch = PriorBatch(
            prompts=prompts,
            image_NE=_cat(part.image_NE for part in of_prior).to(device),
            noise_NE=_cat(part.noise_NE for part in of_prior).to(device),
            timesteps_N=_cat(part.timesteps_N for part in of_prior),
        )
        return prior_losses(model, batch, leaves.t2_RD, poolings)
    of_decoder = [share.samples for share in shares if isinstance(share.samples, DecoderSamples)]
    return decoder_losses(model, _join(of_decoder, prompts, shares[0].dropout_seed, device), leaves, poolings)


def _join(
    samples: Sequence[DecoderSamples], prompts: PromptBatch, dropout_seed: int | None, device: torch.device
) -> TrainingBatch:
    """The samples of all shares as one batch on the device."""
    draws = [part.draws for part in samples]
    given = [part.image_NE for part in samples if part.image_NE is not None]
    weights = [part.weights_N if part.weights_N is not None else torch.ones(len(part)) for part in samples]
    is_weighted = any(part.weights_N is not None for part in samples)
    return TrainingBatch(
        latents_NCHW=_cat(part.latents_NCHW for part in samples).to(device),
        prompts=prompts,
        draws=NoiseDraws(
            noise_NCHW=_cat(part.noise_NCHW for part in draws).to(device),
            timesteps_N=_cat(part.timesteps_N for part in draws).to(device),
            prior_init_NE=_cat(part.prior_init_NE for part in draws).to(device),
            prior_steps_SNE=_cat((part.prior_steps_SNE for part in draws), dim=1).to(device),
        ),
        image_NE=torch.cat(given).to(device) if given else None,
        weights_N=torch.cat(weights).to(device) if is_weighted else None,
        cell_weights_N1HW=_join_cell_weights(samples, device),
        dropout_seed=dropout_seed,
    )


def _join_cell_weights(samples: Sequence[DecoderSamples], device: torch.device) -> torch.Tensor | None:
    """1 for the cells of runs without masks where another run of the pack has some."""
    if all(part.cell_weights_N1HW is None for part in samples):
        return None
    return _cat(
        torch.ones_like(part.latents_NCHW[:, :1]) if part.cell_weights_N1HW is None else part.cell_weights_N1HW
        for part in samples
    ).to(device)


def _join_prompts(model: Kandinsky, shares: Sequence[Share], device: torch.device) -> PromptBatch:
    """All prompts, padded to the longest; ids of learnt rows moved by the rows of the shares before."""
    first_rows: list[int] = []
    rows_before = 0
    for share in shares:
        first_rows += [rows_before] * len(share.samples)
        rows_before += len(share.rows.t1_RD)
    first_N1 = torch.tensor(first_rows)[:, None]
    batch = collate([prompt for share in shares for prompt in share.samples.prompts], model.t1_pad_id)
    t1_NL, t2_NL = batch.t1_ids_NL, batch.t2_ids_NL
    return PromptBatch(
        t1_ids_NL=(t1_NL + first_N1 * (t1_NL >= model.t1_vocabulary)).to(device),
        t2_ids_NL=(t2_NL + first_N1 * (t2_NL >= model.t2_vocabulary)).to(device),
        t2_mask_NL=batch.t2_mask_NL.to(device),
    )


def _cat(tensors: Iterable[torch.Tensor], dim: int = 0) -> torch.Tensor:
    return torch.cat(list(tensors), dim)


@dataclass(frozen=True)
class TowerSetting:
    """Where a tower's rows start, and what its vocabulary says about them."""

    initial_RD: torch.Tensor
    learning_rate: float
    median_norm: float


def tower_setting(initial_RD: torch.Tensor, scale: VocabularyScale, rate: float, unit: str) -> TowerSetting:
    """`rate` in `unit`: absolute, or relative to the vocabulary rows' root mean square."""
    return TowerSetting(
        initial_RD=initial_RD,
        learning_rate=rate * scale.rms if unit == "relative" else rate,
        median_norm=scale.median_norm,
    )


def diverged(spec: TrainingSpec, message: str) -> WorkerError:
    """Why a run whose numbers are none any more ends."""
    return WorkerError(
        "run.diverged",
        message,
        field="spec.learning_rate_t1",
        given=f"{spec.learning_rate_t1}, {spec.learning_rate_t2}",
        allowed="lower learning rates",
    )


def apply_step(
    spec: TrainingSpec, state: RunState, settings: tuple[TowerSetting, TowerSetting], gradients: StepGradients
) -> dict[str, float]:
    """One update of the rows that the step's loss reaches; returns the step's metrics."""
    reached = [gradient_RD for gradient_RD in (gradients.t1_RD, gradients.t2_RD) if gradient_RD is not None]
    norms = torch.stack([gradient_RD.norm() for gradient_RD in reached]).tolist()
    if not all(map(math.isfinite, (gradients.loss, *norms))):
        raise diverged(spec, f"the loss or its gradient is no number any more at step {state.step + 1}")
    metrics = {"train_loss": gradients.loss}
    done, total = schedule_place(spec, state.step)
    factor = schedule_factor(spec.schedule, done, total, spec.warmup_steps)
    towers = (("t1", state.t1, gradients.t1_RD, settings[0]), ("t2", state.t2, gradients.t2_RD, settings[1]))
    for name, trained, gradient_RD, setting in towers:
        if gradient_RD is not None:
            rate = setting.learning_rate * factor
            _move(spec, trained, gradient_RD, setting, rate)
            metrics |= {f"grad_norm_{name}": norms.pop(0), f"learning_rate_{name}": rate}
        metrics |= {
            f"norm_{name}": float(trained.rows_RD.norm()),
            f"distance_{name}": float((trained.rows_RD - setting.initial_RD).norm()),
        }
    if not all(map(math.isfinite, metrics.values())):
        raise diverged(spec, f"the learnt rows are no numbers any more at step {state.step + 1}")
    state.step += 1
    return metrics


def _move(
    spec: TrainingSpec, trained: TrainedRows, gradient_RD: torch.Tensor, setting: TowerSetting, rate: float
) -> None:
    """One tower's update by the optimizer and the norm rule, and its average."""
    update_RD = tangent(gradient_RD, trained.rows_RD) if spec.norm == "vocabulary" else gradient_RD
    trained.step(update_RD, learning_rate=rate, weight_decay=spec.weight_decay)
    if spec.norm == "vocabulary":
        trained.project(setting.median_norm)
    trained.average(spec.ema_decay)
