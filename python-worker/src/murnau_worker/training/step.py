"""One optimizer step: draw, join, gradients, apply.

The samples of several runs share one forward and backward pass of the frozen model; a run trained alone is a pack of
one. Rows of all runs form one table per text tower, and each run's ids past the vocabulary are moved to where its rows
lie in that table. Legend: N samples of the pack, R rows of a run or of the pack, D row width.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import torch

from murnau_worker.core.batch import Batch, Rows
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.families.family import FamilyModel
from murnau_worker.training.data.samples import SampleDraws
from murnau_worker.training.optimizer import TowerSetting, schedule_factor
from murnau_worker.training.shares import Share, StepGradients, split
from murnau_worker.training.state import RunState


def draw(samples: SampleDraws, state: RunState, phase: str, numbers: range, constants: Rows) -> Share:
    """Some samples, of 0..effective_batch-1, of a run's next step. It changes nothing: asked again it is the same."""
    batch = samples.draw(phase, state.step, numbers, constants)
    return Share(phase, state.rows, 1.0 / samples.spec.optimizer.effective_batch, batch)


def join(model: FamilyModel, shares: Sequence[Share]) -> tuple[Batch, Rows]:
    """All samples as one batch on the device, and all rows by tower as leaves that get gradients."""
    batches: list[Batch] = []
    rows_before = 0
    for share in shares:
        batches.append(share.moved(rows_before, model.vocabulary_size))
        rows_before += share.row_count
    leaves = {
        tower: torch.cat([share.rows[tower].detach() for share in shares]).to(model.device).requires_grad_()
        for tower in shares[0].rows
    }
    return Batch.cat(batches).to(model.device), leaves


def gradients(model: FamilyModel, shares: Sequence[Share]) -> list[StepGradients]:
    """Gradients of the sum of all shares' weighted losses, split by share; only rows get gradients.

    All shares must be of one `PackGroup`. What a share gets depends on its neighbours by floating-point noise only.
    """
    batch, leaves = join(model, shares)
    weights_N = torch.tensor([share.weight for share in shares for _ in range(len(share.batch))], device=model.device)
    with torch.enable_grad():
        losses_N = model.losses(shares[0].phase, batch, leaves) * weights_N
        of_leaves = torch.autograd.grad(losses_N.sum(), list(leaves.values()), allow_unused=True)
    return split(losses_N, dict(zip(leaves, of_leaves, strict=True)), shares)


def apply(
    spec: TrainingSpec,
    state: RunState,
    settings: Mapping[str, TowerSetting],
    schedule_place: tuple[int, int],
    found: StepGradients,
) -> dict[str, float]:
    """One update of the rows that the step's loss reaches; returns the step's metrics.

    `schedule_place`: steps done and steps in all of the learning-rate schedule. Raises WorkerError `run.diverged`.
    """
    norms = {tower: float(found.rows[tower].norm()) for tower in settings if tower in found.rows}
    if not all(map(math.isfinite, (found.loss, *norms.values()))):
        raise diverged(spec, f"the loss or its gradient is not a finite number at step {state.step + 1}")
    metrics = {"train_loss": found.loss}
    factor = schedule_factor(spec.optimizer.schedule, *schedule_place, spec.optimizer.warmup_steps)
    for tower, setting in settings.items():
        trained = state.towers[tower]
        if tower in norms:
            rate = setting.learning_rate * factor
            trained.update(found.rows[tower], spec.optimizer, rate, setting.median_norm)
            metrics |= {f"grad_norm_{tower}": norms[tower], f"learning_rate_{tower}": rate}
        metrics |= {
            f"norm_{tower}": float(trained.rows_RD.norm()),
            f"distance_{tower}": float((trained.rows_RD - setting.initial_RD).norm()),
        }
    if not all(map(math.isfinite, metrics.values())):
        raise diverged(spec, f"the learnt rows are not finite numbers at step {state.step + 1}")
    state.step += 1
    return metrics


def diverged(spec: TrainingSpec, message: str) -> WorkerError:
    """The failure of a run whose loss, gradient or rows are NaN or infinite."""
    rates = spec.optimizer.learning_rates
    return WorkerError(
        "run.diverged",
        message,
        field=f"spec.learning_rate_{next(iter(rates))}",
        given=", ".join(map(str, rates.values())),
        allowed="lower learning rates",
    )
