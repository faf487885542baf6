"""The next trials of a sweep by the tree-structured Parzen estimator.

Bergstra et al., "Algorithms for Hyper-Parameter Optimization" (NeurIPS 2011); the multivariate form of Falkner et al.,
"BOHB" (ICML 2018), by groups of parameters that take part together; running trials count as bad ones near which no
other is wanted (constant liar).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import Any

import optuna
from optuna.samplers import TPESampler
from optuna.trial import FrozenTrial, Trial, TrialState

from murnau_worker.advisor.history import ForbiddenPoint, PastTrial, check_history
from murnau_worker.advisor.search_space import Choice, FloatRange, JsonValue, Parameter, SearchSpace, invalid
from murnau_worker.advisor.study import running_trial, study_of, without_warnings

MAX_COUNT = 100
STARTUP_TRIALS = 10  # that many must have ended before the estimator is asked; until then trials are drawn at random


def _seed_of(seed: int, number: int, forbidden: int) -> int:
    """A seed of 32 bits for one trial: another trial, another stream, and another one after each forbidden point."""
    text = f"{seed}/{number}" if forbidden == 0 else f"{seed}/{number}/{forbidden}"
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")


def _is_permitted(_: FrozenTrial) -> tuple[float]:
    """Of a trial that is told to the study: those that are forbidden lie in it from its beginning."""
    return (0.0,)


def _sampler(seed: int, number: int, forbidden: Sequence[ForbiddenPoint]) -> TPESampler:
    of_this_trial = sum(point.number == number for point in forbidden)
    with without_warnings():
        return TPESampler(
            seed=_seed_of(seed, number, of_this_trial),
            # Forbidden points lie among the trials that have ended, and are none.
            n_startup_trials=STARTUP_TRIALS + len(forbidden),
            multivariate=True,
            group=True,
            constant_liar=True,
            constraints_func=_is_permitted if forbidden else None,
        )


def _draw(trial: Trial, parameter: Parameter) -> Any:
    domain = parameter.domain
    if isinstance(domain, Choice):
        return trial.suggest_categorical(parameter.name, domain.texts)
    if isinstance(domain, FloatRange):
        return trial.suggest_float(parameter.name, domain.min, domain.max, log=domain.log)
    return trial.suggest_int(parameter.name, domain.min, domain.max, log=domain.log)


def _ask(study: optuna.Study, space: SearchSpace) -> dict[str, Any]:
    trial = study.ask()
    values: dict[str, Any] = {}
    for parameter in space.ordered:
        if space.takes_part(parameter, values):
            values[parameter.name] = _draw(trial, parameter)
    # What was asked is thrown away and put back as any running trial: the next answer is the same whether this trial
    # came with it in one request or lies in the history.
    study.tell(trial, state=TrialState.FAIL)
    study.add_trial(running_trial(space, values))
    return values


def suggest(
    space: SearchSpace,
    history: Sequence[PastTrial],
    *,
    trial: int,
    count: int,
    seed: int,
    maximize: bool,
    forbidden: Sequence[ForbiddenPoint] = (),
) -> list[dict[str, JsonValue]]:
    """The parameters of trials `trial` to `trial + count - 1`: those that take part, by name.

    `forbidden` are suggestions that a rule across parameters forbids: they count as worse than any trial, and each one
    of a wanted trial makes its answer another one.

    Depends on nothing but its arguments. Raises WorkerError `spec.invalid`.
    """
    if not 1 <= count <= MAX_COUNT:
        raise invalid("count", f"{count} trials were asked for", count, f"1 to {MAX_COUNT}")
    check_history(history)
    wanted = range(trial, trial + count)
    known = next((past.number for past in history if past.number in wanted), None)
    if known is not None or trial < 0:
        raise invalid("trial", "the trial is in the history already", trial, "a number that the history has not")
    study = study_of(space, history, maximize=maximize, forbidden=forbidden)
    suggestions: list[dict[str, JsonValue]] = []
    for number in wanted:
        study.sampler = _sampler(seed, number, forbidden)
        suggestions.append(space.external(_ask(study, space)))
    return suggestions
