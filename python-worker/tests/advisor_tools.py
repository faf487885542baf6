"""A search space with every kind of parameter, and a way to play a sweep against the advisor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from murnau_worker.advisor.history import PastTrial, TrialState
from murnau_worker.advisor.search_space import (
    Choice,
    Condition,
    FloatRange,
    IntRange,
    Parameter,
    SearchSpace,
    canonical_text,
)
from murnau_worker.advisor.suggest import suggest

PAIRS = (
    {"placeholder": "sapsan", "initializer": "train"},
    {"placeholder": "sapsan", "initializer": "locomotive"},
    {"placeholder": "sapsan", "initializer": "bird"},
)


def choice(*values: Any) -> Choice:
    return Choice(tuple(canonical_text(value) for value in values))


def only_if(parameter: str, *values: Any) -> Condition:
    return Condition(parameter, frozenset(canonical_text(value) for value in values))


def full_space() -> SearchSpace:
    """A pair, a logarithmic rate, a logarithmic whole number, a choice, and two that depend on the choice."""
    return SearchSpace(
        [
            Parameter("prior_steps", IntRange(2, 25), (only_if("objective", "split"),)),
            Parameter("pair", choice(*PAIRS)),
            Parameter("rate", FloatRange(1e-3, 1.0, log=True)),
            Parameter("batch", IntRange(1, 64, log=True)),
            Parameter("objective", choice("joint", "split")),
            Parameter("decay", FloatRange(0.0, 1.0), (only_if("objective", "joint"),)),
        ]
    )


def past(
    number: int,
    parameters: dict[str, Any],
    value: float | None = None,
    *,
    state: TrialState = "finished",
    intermediate: dict[int, float] | None = None,
) -> PastTrial:
    return PastTrial(number, parameters, state, value, intermediate or {})


def play(
    space: SearchSpace, metric: Callable[[dict[str, Any]], float], *, trials: int, seed: int, maximize: bool
) -> list[PastTrial]:
    """A sweep of one trial at a time."""
    history: list[PastTrial] = []
    for number in range(trials):
        [parameters] = suggest(space, history, trial=number, count=1, seed=seed, maximize=maximize)
        history.append(past(number, parameters, metric(parameters)))
    return history


def values_of(history: Sequence[PastTrial]) -> list[float]:
    return [trial.value for trial in history if trial.value is not None]
