"""A sweep's history as an optuna study in memory, made for one answer and thrown away."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from murnau_worker.advisor.history import PastTrial, considered
from murnau_worker.advisor.search_space import SearchSpace

# Optuna tells of each study; what matters is in our own log.
optuna.logging.set_verbosity(optuna.logging.WARNING)
optuna.logging.disable_default_handler()
optuna.logging.enable_propagation()

_STATES = {"running": TrialState.RUNNING, "finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED}


@contextlib.contextmanager
def without_warnings() -> Generator[None]:
    """Optuna warns that `group` is experimental, which it has been since 2.8, and of each rare choice."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def running_trial(space: SearchSpace, params: Mapping[str, Any]) -> FrozenTrial:
    """A trial whose value is still to come; `params` as optuna holds them."""
    return _trial(space, TrialState.RUNNING, params, None, {})


def _trial(
    space: SearchSpace,
    state: TrialState,
    params: Mapping[str, Any],
    value: float | None,
    intermediate: Mapping[int, float],
) -> FrozenTrial:
    return create_trial(
        state=state,
        params=dict(params),
        distributions={name: space.distributions[name] for name in params},
        value=value,
        intermediate_values=dict(intermediate),
    )


def study_of(space: SearchSpace, history: Sequence[PastTrial], *, maximize: bool) -> optuna.Study:
    """Raises WorkerError `spec.invalid` where a past trial does not fit the space."""
    study = optuna.create_study(direction="maximize" if maximize else "minimize")
    trials = [
        _trial(
            space,
            _STATES[past.state],
            space.internal(past.parameters, f"trial {past.number}: parameters"),
            past.value,
            past.intermediate,
        )
        for past in considered(history)
    ]
    study.add_trials(trials)
    return study
