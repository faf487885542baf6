"""Past trials of a sweep."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from murnau_worker.advisor.search_space import JsonValue, invalid

TrialState = Literal["running", "finished", "pruned", "failed"]


@dataclass(frozen=True)
class PastTrial:
    """A trial that was suggested before. `value` is its metric where it finished, else None.

    `intermediate` maps a step to the metric there.
    """

    number: int
    parameters: Mapping[str, JsonValue]
    state: TrialState
    value: float | None
    intermediate: Mapping[int, float]


@dataclass(frozen=True)
class ForbiddenPoint:
    """A suggestion for trial `number` that a rule across parameters forbids: it became no trial."""

    number: int
    parameters: Mapping[str, JsonValue]


def check_history(history: Sequence[PastTrial]) -> None:
    """Raises WorkerError `spec.invalid`."""
    seen: set[int] = set()
    for place, trial in enumerate(history):
        field = f"history[{place}]"
        if trial.number < 0 or trial.number in seen:
            raise invalid(f"{field}.trial", "numbers of trials start at 0 and differ", trial.number, "each once")
        seen.add(trial.number)
        if (trial.value is None) == (trial.state == "finished"):
            message = f"a {trial.state} trial has {'no' if trial.value is None else 'a'} value"
            raise invalid(f"{field}.value", message, trial.value, "a value where it finished, none otherwise")
        values = [*trial.intermediate.values(), *([] if trial.value is None else [trial.value])]
        if not all(math.isfinite(value) for value in values):
            raise invalid(f"{field}.value", "a value is no finite number", values, "finite numbers")


def considered(history: Sequence[PastTrial]) -> list[PastTrial]:
    """The trials to learn from, by number: failed ones teach nothing."""
    return sorted((trial for trial in history if trial.state != "failed"), key=lambda trial: trial.number)
