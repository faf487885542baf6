"""A sweep's history as an optuna study in memory, made for one answer and thrown away."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Generator, Mapping, Sequence
from typing import Any

import optuna
from optuna.trial import FrozenTrial, TrialState, create_trial

from murnau_worker.advisor.history import ForbiddenPoint, PastTrial, considered
from murnau_worker.advisor.search_space import SearchSpace

# Optuna tells of each study; what matters is in our own log.
optuna.logging.set_verbosity(optuna.logging.WARNING)
optuna.logging.disable_default_handler()
optuna.logging.enable_propagation()

_CONSTRAINTS_KEY = "constraints"  # optuna.samplers._base
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
    violation: float | None = None,
) -> FrozenTrial:
    return create_trial(
        state=state,
        params=dict(params),
        distributions={name: space.distributions[name] for name in params},
        value=value,
        intermediate_values=dict(intermediate),
        # Where the sampler reads constraints: above 0 is infeasible, and a trial without any counts as such.
        system_attrs={} if violation is None else {_CONSTRAINTS_KEY: (violation,)},
    )


def study_of(
    space: SearchSpace,
    history: Sequence[PastTrial],
    *,
    maximize: bool,
    forbidden: Sequence[ForbiddenPoint] = (),
) -> optuna.Study:
    """Raises WorkerError `spec.invalid` where a past trial does not fit the space."""
    violation = 0.0 if forbidden else None
    study = optuna.create_study(direction="maximize" if maximize else "minimize")
    trials = [
        _trial(
            space,
            _STATES[past.state],
            space.internal(past.parameters, f"trial {past.number}: parameters"),
            past.value,
            past.intermediate,
            violation,
        )
        for past in considered(history)
    ]
    trials += [
        _trial(
            space,
            TrialState.PRUNED,
            space.internal(point.parameters, f"forbidden for trial {point.number}: parameters"),
            None,
            {},
            violation=1.0,
        )
        for point in forbidden
    ]
    study.add_trials(trials)
    return study
