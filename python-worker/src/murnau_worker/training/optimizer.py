"""Learnt rows under an optimizer of torch, their norm rule, their moving average and the learning-rate schedules.

Legend: R rows, D width.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial

import torch

from murnau_worker.core.spec import OptimizerName, OptimizerSpec
from murnau_worker.models.model_parts import VocabularyScale

# With torch's own settings, which for AdamW are the reference script's; SGD alone would have no momentum.
OPTIMIZERS: dict[OptimizerName, Callable[..., torch.optim.Optimizer]] = {
    "adamw": torch.optim.AdamW,
    "adam": torch.optim.Adam,
    "nadam": torch.optim.NAdam,
    "radam": torch.optim.RAdam,
    "adamax": torch.optim.Adamax,
    "adagrad": torch.optim.Adagrad,
    "rmsprop": torch.optim.RMSprop,
    "sgd": partial(torch.optim.SGD, momentum=0.9),
}

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
    "linear": lambda progress: 1.0 - progress,
}


def schedule_factor(schedule: str, steps_done: int, schedule_steps: int, warmup_steps: int = 0) -> float:
    """Factor of the peak rate for the step after `steps_done`; it never depends on where a segment ends."""
    warming = min(1.0, (steps_done + 1) / (warmup_steps + 1))
    return warming * SCHEDULES[schedule](min(1.0, steps_done / schedule_steps))


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


_PREFIX = "optimizer."


class TrainedRows:
    """One tower's rows [R, D] with the optimizer that moves them and their moving average."""

    def __init__(self, rows_RD: torch.Tensor, optimizer: OptimizerName = "adamw") -> None:
        self._parameter = torch.nn.Parameter(rows_RD.detach().clone().float())
        self._optimizer = OPTIMIZERS[optimizer]([self._parameter], lr=1.0, weight_decay=0.0, foreach=False)
        self.averaged_RD = self.rows_RD.clone()
        self.updates = 0

    @property
    def rows_RD(self) -> torch.Tensor:
        return self._parameter.detach()

    def update(self, gradient_RD: torch.Tensor, spec: OptimizerSpec, rate: float, median_norm: float) -> None:
        """One update by the optimizer and the norm rule, and of the average."""
        is_fixed = spec.norm == "vocabulary"
        self._step(tangent(gradient_RD, self.rows_RD) if is_fixed else gradient_RD, rate, spec.weight_decay)
        if is_fixed:
            self._project(median_norm)
        self._average(spec.ema_decay)

    def _step(self, gradient_RD: torch.Tensor, learning_rate: float, weight_decay: float) -> None:
        self._parameter.grad = gradient_RD
        self._optimizer.param_groups[0] |= {"lr": learning_rate, "weight_decay": weight_decay}
        self._optimizer.step()
        self._parameter.grad = None
        self.updates += 1

    def _average(self, decay: float) -> None:
        """Moves the average towards the rows; early updates count more, so that it leaves its start behind."""
        effective = min(decay, (1 + self.updates) / (10 + self.updates))
        self.averaged_RD.lerp_(self.rows_RD, 1.0 - effective)

    def _project(self, norm: float) -> None:
        """Scales each row to the given norm."""
        self.rows_RD.mul_(norm / self.rows_RD.norm(dim=1, keepdim=True).clamp(min=1e-12))

    def tensors(self) -> dict[str, torch.Tensor]:
        """All of it, for a checkpoint."""
        moments: Mapping[str, object] = self._optimizer.state[self._parameter]
        return {
            "rows": self.rows_RD,
            "averaged": self.averaged_RD,
            "updates": torch.tensor(self.updates),
            **{f"{_PREFIX}{name}": value for name, value in moments.items() if isinstance(value, torch.Tensor)},
        }

    @classmethod
    def of_tensors(cls, tensors: Mapping[str, torch.Tensor], optimizer: OptimizerName) -> TrainedRows:
        """What `tensors` gave. Raises KeyError where one is missing, ValueError where others are there."""
        trained = cls(tensors["rows"], optimizer)
        trained.averaged_RD = tensors["averaged"].clone()
        trained.updates = int(tensors["updates"])
        wanted = _state_names(optimizer, trained.updates > 0)
        if frozenset(tensors) - {"rows", "averaged", "updates"} != wanted:
            raise ValueError(f"the state of {optimizer} is {sorted(wanted)}, not {sorted(tensors)}")
        trained._optimizer.state[trained._parameter] = {
            name.removeprefix(_PREFIX): tensors[name].clone() for name in sorted(wanted)
        }
        return trained


@cache
def _state_names(optimizer: OptimizerName, has_moved: bool) -> frozenset[str]:
    """What an optimizer keeps of its parameter, before or after its first step."""
    tried = TrainedRows(torch.ones(1, 1), optimizer)
    if has_moved:
        tried._step(torch.ones(1, 1), 1.0, 0.0)  # pyright: ignore[reportPrivateUsage]
    return frozenset(name for name in tried.tensors() if name.startswith(_PREFIX))


def tangent(gradient_RD: torch.Tensor, rows_RD: torch.Tensor) -> torch.Tensor:
    """The gradient without its part along the rows: what remains when the norm is fixed."""
    unit_RD = rows_RD / rows_RD.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return gradient_RD - (gradient_RD * unit_RD).sum(dim=1, keepdim=True) * unit_RD
