"""AdamW on the learnt rows, their norm rule, their moving average and the learning-rate schedules.

Legend: R rows, D width.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch

BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8

SCHEDULES: dict[str, Callable[[float], float]] = {
    "constant": lambda _: 1.0,
    "cosine": lambda progress: 0.5 * (1.0 + math.cos(math.pi * progress)),
    "linear": lambda progress: 1.0 - progress,
}


def schedule_factor(schedule: str, steps_done: int, schedule_steps: int) -> float:
    """Factor of the peak rate for the step after `steps_done`; it never depends on where a segment ends."""
    return SCHEDULES[schedule](min(1.0, steps_done / schedule_steps))


@dataclass
class AdamRows:
    """One tower's rows [R, D] with the moments of AdamW (Loshchilov & Hutter 2019) and the moving average."""

    rows_RD: torch.Tensor
    first_RD: torch.Tensor
    second_RD: torch.Tensor
    averaged_RD: torch.Tensor

    @classmethod
    def starting_from(cls, rows_RD: torch.Tensor) -> AdamRows:
        rows_RD = rows_RD.detach().clone().float()
        return cls(rows_RD, torch.zeros_like(rows_RD), torch.zeros_like(rows_RD), rows_RD.clone())

    def step(self, gradient_RD: torch.Tensor, *, learning_rate: float, weight_decay: float, number: int) -> None:
        """One AdamW update; `number` counts from 1."""
        self.rows_RD.mul_(1.0 - learning_rate * weight_decay)
        self.first_RD.lerp_(gradient_RD, 1.0 - BETA1)
        self.second_RD.mul_(BETA2).addcmul_(gradient_RD, gradient_RD, value=1.0 - BETA2)
        denominator_RD = (self.second_RD.sqrt() / math.sqrt(1.0 - BETA2**number)).add_(EPSILON)
        self.rows_RD.addcdiv_(self.first_RD, denominator_RD, value=-learning_rate / (1.0 - BETA1**number))

    def average(self, decay: float, number: int) -> None:
        """Moves the average towards the rows; early steps count more, so that it leaves its start behind."""
        effective = min(decay, (1 + number) / (10 + number))
        self.averaged_RD.lerp_(self.rows_RD, 1.0 - effective)

    def project(self, norm: float) -> None:
        """Scales each row to the given norm."""
        self.rows_RD.mul_(norm / self.rows_RD.norm(dim=1, keepdim=True).clamp(min=1e-12))


def tangent(gradient_RD: torch.Tensor, rows_RD: torch.Tensor) -> torch.Tensor:
    """The gradient without its part along the rows: what remains when the norm is fixed."""
    unit_RD = rows_RD / rows_RD.norm(dim=1, keepdim=True).clamp(min=1e-12)
    return gradient_RD - (gradient_RD * unit_RD).sum(dim=1, keepdim=True) * unit_RD
