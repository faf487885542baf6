"""When a run's loss has come to rest: the rule of DVAR (Voronov et al. 2023, arXiv 2302.04841) on its evaluations."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import pvariance

from murnau_worker.training.state import Evaluation

WINDOW_STEPS = 200
LEAST_EVALUATIONS = 8  # in the window
LARGEST_SHARE = 0.15  # of the variance of all evaluations


def has_settled(evaluations: Sequence[Evaluation]) -> bool:
    """Whether the loss moves no more: its variance over the window is a small share of that over all evaluations.

    The evaluations, in the order of steps, are over fixed draws, so their noise is none. A run that has learnt nothing
    (gain of 0 or below) is not done.
    """
    if not evaluations or evaluations[-1].eval_gain <= 0:
        return False
    window = [one for one in evaluations if one.step > evaluations[-1].step - WINDOW_STEPS]
    # Without an evaluation before the window there is nothing to compare it with.
    if len(window) < LEAST_EVALUATIONS or len(window) == len(evaluations):
        return False
    return _variance(window) < LARGEST_SHARE * _variance(evaluations)


def _variance(evaluations: Sequence[Evaluation]) -> float:
    return pvariance([one.eval_loss for one in evaluations])
