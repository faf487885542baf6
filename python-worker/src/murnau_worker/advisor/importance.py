"""How much each parameter decides whether a trial is among the best.

PED-ANOVA: Watanabe et al., "PED-ANOVA: Efficiently Quantifying Hyperparameter Importance in Arbitrary Subspaces"
(IJCAI 2023). It compares where the best trials lie with where all lie, and needs no forest of trees.
"""

from __future__ import annotations

from collections.abc import Sequence

from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

from murnau_worker.advisor.history import PastTrial, check_history
from murnau_worker.advisor.search_space import SearchSpace
from murnau_worker.advisor.study import study_of, without_warnings

NEEDED_TRIALS = 10
_BEST_TRIALS = 5  # the estimate of where the best lie is unstable with fewer
_SMALLEST_BEST_SHARE = 0.1


def finished_trials(history: Sequence[PastTrial]) -> int:
    return sum(past.state == "finished" for past in history)


def importance(space: SearchSpace, history: Sequence[PastTrial], *, maximize: bool) -> dict[str, float]:
    """Name → share, greatest first; the shares add up to 1. Empty when fewer than NEEDED_TRIALS finished.

    Raises WorkerError `spec.invalid`.
    """
    check_history(history)
    if finished_trials(history) < NEEDED_TRIALS:
        return {}
    finished = [past for past in history if past.state == "finished"]
    study = study_of(space, finished, maximize=maximize)
    best_share = max(_SMALLEST_BEST_SHARE, _BEST_TRIALS / len(finished))
    seen = {name for past in finished for name in past.parameters}
    with without_warnings():
        shares = get_param_importances(
            study,
            evaluator=PedAnovaImportanceEvaluator(target_quantile=best_share),
            params=[name for name in space.distributions if name in seen],
        )
    everything = {name: shares.get(name, 0.0) for name in space.distributions}
    return dict(sorted(everything.items(), key=lambda item: (-item[1], item[0])))
