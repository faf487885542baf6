"""The advisor's answers: the same to the same question, better than chance, and within the search space."""

from __future__ import annotations

import json
import math
import os
import random
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from advisor_tools import PAIRS, choice, full_space, only_if, past, play, values_of

from murnau_worker.advisor.history import ForbiddenPoint, PastTrial
from murnau_worker.advisor.importance import NEEDED_TRIALS, importance
from murnau_worker.advisor.search_space import FloatRange, IntRange, Parameter, SearchSpace, canonical_text
from murnau_worker.advisor.suggest import suggest
from murnau_worker.core.errors import WorkerError

TESTS = Path(__file__).parent
BOWL = SearchSpace(
    [
        Parameter("x", FloatRange(-10.0, 10.0)),
        Parameter("rate", FloatRange(1e-4, 1.0, log=True)),
        Parameter("word", choice("train", "bird", "cat")),
    ]
)


def bowl(values: dict[str, Any]) -> float:
    """0 at x = 3, rate = 0.01, word = bird; greater elsewhere."""
    return (values["x"] - 3) ** 2 + 4 * math.log10(values["rate"] / 0.01) ** 2 + (values["word"] != "bird") * 10


def some_history(trials: int) -> list[PastTrial]:
    """Trials of `full_space` in every state, drawn without the advisor."""
    draw = random.Random(5)
    history: list[PastTrial] = []
    for number in range(trials):
        parameters: dict[str, Any] = {
            "pair": draw.choice(PAIRS),
            "rate": 10 ** draw.uniform(-3, 0),
            "batch": draw.randint(1, 64),
            "objective": draw.choice(["joint", "split"]),
        }
        if parameters["objective"] == "joint":
            parameters["decay"] = draw.random()
        else:
            parameters["prior_steps"] = draw.randint(2, 25)
        kind = number % 7
        if kind == 4:
            history.append(past(number, parameters, state="running"))
        elif kind == 5:
            history.append(past(number, parameters, state="pruned", intermediate={150: draw.random()}))
        elif kind == 6:
            history.append(past(number, parameters, state="failed"))
        else:
            history.append(past(number, parameters, draw.random()))
    return history


def answer(trial: int = 60, count: int = 4, seed: int = 7) -> str:
    suggestions = suggest(full_space(), some_history(60), trial=trial, count=count, seed=seed, maximize=True)
    return json.dumps(suggestions, sort_keys=True)


def test_two_processes_with_other_hash_seeds_give_the_same_answer() -> None:
    def ask(hash_seed: str) -> str:
        code = "import test_advisor, warnings; print(test_advisor.answer())"
        env = {**os.environ, "PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(TESTS)}
        done = subprocess.run([sys.executable, "-c", code], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    assert ask("1") == ask("4242") == answer()


def test_another_seed_or_trial_is_another_answer_and_the_order_of_the_history_is_none() -> None:
    assert answer(seed=8) != answer() != answer(trial=61)
    shuffled = some_history(60)
    random.Random(1).shuffle(shuffled)
    again = suggest(full_space(), shuffled, trial=60, count=4, seed=7, maximize=True)
    assert json.dumps(again, sort_keys=True) == answer()


def test_several_at_once_are_those_asked_one_by_one() -> None:
    space, history = full_space(), some_history(40)
    together = suggest(space, history, trial=40, count=3, seed=1, maximize=False)
    for number in range(40, 43):
        [alone] = suggest(space, history, trial=number, count=1, seed=1, maximize=False)
        assert alone == together[number - 40]
        history.append(past(number, alone, state="running"))


@pytest.mark.parametrize("maximize", [False, True])
def test_forty_trials_find_more_than_chance(maximize: bool) -> None:
    sign = -1.0 if maximize else 1.0

    def chance(seed: int) -> float:
        draw = random.Random(seed)
        points = [
            {
                "x": draw.uniform(-10, 10),
                "rate": 10 ** draw.uniform(-4, 0),
                "word": draw.choice(["train", "bird", "cat"]),
            }
            for _ in range(40)
        ]
        return min(bowl(point) for point in points)

    seeds = range(5)
    found = [
        min(
            sign * value
            for value in values_of(play(BOWL, lambda v: sign * bowl(v), trials=40, seed=seed, maximize=maximize))
        )
        for seed in seeds
    ]
    by_chance = [chance(seed) for seed in seeds]
    assert sum(found) < 0.6 * sum(by_chance), (found, by_chance)


def test_suggestions_lie_in_the_space_and_conditions_hold() -> None:
    space = full_space()
    history = some_history(30)
    suggestions = suggest(space, history, trial=30, count=60, seed=3, maximize=True)
    for values in suggestions:
        assert values["pair"] in PAIRS
        assert 1e-3 <= values["rate"] <= 1.0
        assert isinstance(values["batch"], int)
        assert 1 <= values["batch"] <= 64
        expected = "decay" if values["objective"] == "joint" else "prior_steps"
        assert set(values) == {"pair", "rate", "batch", "objective", expected}
    assert {values["objective"] for values in suggestions} == {"joint", "split"}


def test_a_parameter_that_hangs_on_two_others_takes_part_where_both_do() -> None:
    space = SearchSpace(
        [
            Parameter("leaf", FloatRange(0, 1), (only_if("twig", 1, 2), only_if("root", True))),
            Parameter("twig", choice(1, 2, 3), (only_if("root", True),)),
            Parameter("root", choice(True, False)),
        ]
    )
    seen: set[tuple[str, ...]] = set()
    for values in suggest(space, [], trial=0, count=100, seed=0, maximize=True):
        names = (
            {"root"} | ({"twig"} if values["root"] else set()) | ({"leaf"} if values.get("twig") in (1, 2) else set())
        )
        assert set(values) == names
        seen.add(tuple(sorted(names)))
    assert len(seen) == 3


def test_whole_numbers_on_a_logarithmic_scale_are_spread_by_their_logarithm() -> None:
    space = SearchSpace([Parameter("batch", IntRange(1, 1024, log=True))])
    drawn = [values["batch"] for values in suggest(space, [], trial=0, count=100, seed=1, maximize=True)]
    below = sum(value <= 32 for value in drawn)
    assert 35 <= below <= 65, "half of the draws lie below the geometric middle"


def test_the_best_pair_is_found_as_one_choice() -> None:
    space = SearchSpace([Parameter("pair", choice(*PAIRS)), Parameter("rate", FloatRange(0.01, 0.5, log=True))])
    history = play(
        space, lambda v: float(v["pair"] == PAIRS[1]) - abs(v["rate"] - 0.1), trials=40, seed=2, maximize=True
    )
    last = [trial.parameters["pair"] for trial in history[-20:]]
    assert last.count(PAIRS[1]) > 10
    assert all(pair in PAIRS for pair in last)


def test_failed_trials_change_nothing() -> None:
    space, history = full_space(), some_history(30)
    without = [trial for trial in history if trial.state != "failed"]
    assert len(without) < len(history)
    ask: dict[str, Any] = {"trial": 30, "count": 3, "seed": 4, "maximize": True}
    assert suggest(space, history, **ask) == suggest(space, without, **ask)


def test_running_trials_and_pruned_ones_and_how_far_they_came_count() -> None:
    space = SearchSpace([Parameter("x", FloatRange(0.0, 1.0))])
    finished = [past(number, {"x": number / 20}, -abs(number / 20 - 0.5)) for number in range(20)]

    def ask(*more: PastTrial) -> Any:
        return suggest(space, [*finished, *more], trial=99, count=1, seed=4, maximize=True)

    asked = ask()
    running = [past(20 + i, {"x": 0.5}, state="running") for i in range(8)]
    assert ask(*running) != asked
    early = [past(20 + i, {"x": 0.5 + i / 100}, state="pruned", intermediate={10: 0.1 * i}) for i in range(30)]
    late = [past(20 + i, {"x": 0.5 + i / 100}, state="pruned", intermediate={10 * (31 - i): 0.1}) for i in range(30)]
    only_pruned = [suggest(space, pruned, trial=99, count=5, seed=4, maximize=True) for pruned in (early, late)]
    assert only_pruned[0] != only_pruned[1]
    # With nothing else to go by the best of the pruned lead: by value at the same step, else by how far they came.
    by_value = [one["x"] for one in only_pruned[0]]
    by_step = [one["x"] for one in only_pruned[1]]
    assert sum(by_value) > sum(by_step)


def test_constant_liar_keeps_suggestions_apart() -> None:
    space = SearchSpace([Parameter("x", FloatRange(0.0, 1.0))])
    finished = [past(number, {"x": number / 30}, -abs(number / 30 - 0.5)) for number in range(30)]
    drawn = sorted(one["x"] for one in suggest(space, finished, trial=30, count=8, seed=0, maximize=True))
    assert min(b - a for a, b in pairwise(drawn)) > 1e-6


def test_failed_trials_teach_nothing() -> None:
    space = full_space()
    history = some_history(40)
    without = [trial for trial in history if trial.state != "failed"]
    assert len(without) < len(history)
    asked = [suggest(space, some, trial=40, count=3, seed=1, maximize=True) for some in (history, without[::-1])]
    assert asked[0] == asked[1]


def test_importance_finds_what_matters() -> None:
    space = SearchSpace(
        [
            Parameter("matters", FloatRange(0.0, 1.0)),
            Parameter("hardly", FloatRange(0.0, 1.0)),
            Parameter("word", choice("a", "b")),
            Parameter("never", FloatRange(0.0, 1.0), (only_if("word", "b"),)),
        ]
    )
    draw = random.Random(3)
    history = [
        past(n, {"matters": (x := draw.random()), "hardly": (y := draw.random()), "word": "a"}, x**2 + 0.01 * y)
        for n in range(60)
    ]
    for maximize in (True, False):
        shares = importance(space, history, maximize=maximize)
        assert next(iter(shares)) == "matters"
        assert shares["matters"] > 0.6
        assert shares["never"] == 0
        assert sum(shares.values()) == pytest.approx(1)
    assert importance(space, history[: NEEDED_TRIALS - 1], maximize=True) == {}
    assert len(importance(space, history[:NEEDED_TRIALS], maximize=True)) == 4


def test_values_are_compared_as_json_has_them() -> None:
    assert canonical_text({"b": 1.0, "a": [2.5, True]}) == '{"a":[2.5,true],"b":1}'
    space = SearchSpace([Parameter("n", choice(1, True, "1", None))])
    assert {str(one["n"]) for one in suggest(space, [], trial=0, count=60, seed=0, maximize=True)} == {
        "1",
        "True",
        "None",
    }
    assert suggest(space, [past(0, {"n": 1.0}, 0.5)], trial=1, count=1, seed=0, maximize=True)


RATE = Parameter("rate", FloatRange(0.1, 1))


@pytest.mark.parametrize(
    ("ask", "field"),
    [
        (lambda: SearchSpace([]), "parameters"),
        (lambda: SearchSpace([RATE, RATE]), "parameters[1].name"),
        (lambda: SearchSpace([Parameter("", FloatRange(0, 1))]), "parameters[0].name"),
        (lambda: SearchSpace([Parameter("x", FloatRange(1, 1))]), "parameters[0].float_range.max"),
        (lambda: SearchSpace([Parameter("x", FloatRange(0, float("nan")))]), "parameters[0].float_range.max"),
        (lambda: SearchSpace([Parameter("x", FloatRange(0, float("inf")))]), "parameters[0].float_range.max"),
        (lambda: SearchSpace([Parameter("x", FloatRange(0, 1, log=True))]), "parameters[0].float_range.min"),
        (lambda: SearchSpace([Parameter("x", IntRange(0, 9, log=True))]), "parameters[0].int_range.min"),
        (lambda: SearchSpace([Parameter("x", choice())]), "parameters[0].choice.values_json"),
        (lambda: SearchSpace([Parameter("x", choice(1, 1.0))]), "parameters[0].choice.values_json"),
        (
            lambda: SearchSpace([Parameter("x", FloatRange(0, 1), (only_if("y", 1),))]),
            "parameters[0].when[0].parameter",
        ),
        (
            lambda: SearchSpace([RATE, Parameter("x", FloatRange(0, 1), (only_if("rate", 1),))]),
            "parameters[1].when[0].parameter",
        ),
        (
            lambda: SearchSpace([Parameter("x", choice(1)), Parameter("y", choice(1), (only_if("x", 2),))]),
            "parameters[1].when[0].values_json",
        ),
        (
            lambda: SearchSpace(
                [Parameter("x", choice(1), (only_if("y", 1),)), Parameter("y", choice(1), (only_if("x", 1),))]
            ),
            "parameters",
        ),
        (lambda: suggest(BOWL, [], trial=0, count=0, seed=0, maximize=True), "count"),
        (lambda: suggest(BOWL, [], trial=0, count=101, seed=0, maximize=True), "count"),
        (lambda: suggest(BOWL, [past(3, {}, 1.0)], trial=2, count=2, seed=0, maximize=True), "trial"),
        (lambda: suggest(BOWL, [past(3, {})], trial=4, count=1, seed=0, maximize=True), "history[0].value"),
        (
            lambda: suggest(BOWL, [past(3, {}, 1.0, state="running")], trial=4, count=1, seed=0, maximize=True),
            "history[0].value",
        ),
        (lambda: suggest(BOWL, [past(0, {}, math.nan)], trial=4, count=1, seed=0, maximize=True), "history[0].value"),
        (
            lambda: suggest(BOWL, [past(0, {}, 1.0), past(0, {}, 1.0)], trial=4, count=1, seed=0, maximize=True),
            "history[1].trial",
        ),
        (
            lambda: suggest(BOWL, [past(0, {"x": 11}, 1.0)], trial=4, count=1, seed=0, maximize=True),
            "trial 0: parameters.x",
        ),
        (
            lambda: suggest(BOWL, [past(0, {"x": True}, 1.0)], trial=4, count=1, seed=0, maximize=True),
            "trial 0: parameters.x",
        ),
        (
            lambda: suggest(BOWL, [past(0, {"word": "dog"}, 1.0)], trial=4, count=1, seed=0, maximize=True),
            "trial 0: parameters.word",
        ),
        (
            lambda: suggest(BOWL, [past(0, {"xx": 1}, 1.0)], trial=4, count=1, seed=0, maximize=True),
            "trial 0: parameters.xx",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_by_its_field(ask: Any, field: str) -> None:
    with pytest.raises(WorkerError) as error:
        ask()
    assert (error.value.code, error.value.field) == ("spec.invalid", field)


FORBIDDING = SearchSpace([Parameter("x", IntRange(1, 64, log=True)), Parameter("y", IntRange(1, 16, log=True))])


def play_within(limit: int, *, trials: int, seed: int) -> tuple[list[PastTrial], list[ForbiddenPoint]]:
    """A sweep whose rule allows x times y up to `limit`; the best lies at the rule's edge."""
    history: list[PastTrial] = []
    forbidden: list[ForbiddenPoint] = []
    while len(history) < trials:
        number = len(history)
        [point] = suggest(FORBIDDING, history, trial=number, count=1, seed=seed, maximize=True, forbidden=forbidden)
        if point["x"] * point["y"] > limit:
            forbidden.append(ForbiddenPoint(number, point))
            assert sum(one.number == number for one in forbidden) < 20
        else:
            history.append(past(number, point, point["x"] * point["y"]))
    return history, forbidden


def test_a_forbidden_suggestion_is_followed_by_another_one() -> None:
    def ask(forbidden: list[ForbiddenPoint]) -> dict[str, Any]:
        [point] = suggest(FORBIDDING, [], trial=3, count=1, seed=1, maximize=True, forbidden=forbidden)
        return point

    first = ask([])
    second = ask([ForbiddenPoint(3, first)])
    third = ask([ForbiddenPoint(3, first), ForbiddenPoint(3, second)])
    assert len({json.dumps(point) for point in (first, second, third)}) == 3
    assert second == ask([ForbiddenPoint(3, first)])
    # One of another trial does not change what is drawn before the estimator is asked.
    assert ask([ForbiddenPoint(2, first)]) == first


def test_a_search_with_a_rule_goes_on_to_its_edge() -> None:
    for seed in (1, 2, 3):
        history, forbidden = play_within(64, trials=30, seed=seed)
        assert forbidden, "the rule was never met"
        assert max(values_of(history)) >= 60
        # It keeps clear of them: drawn at random, a third of 30 trials' points would be.
        assert sum(one.number >= 15 for one in forbidden) <= 7


def test_without_a_forbidden_point_the_answer_is_as_ever() -> None:
    assert answer() == json.dumps(
        suggest(full_space(), some_history(60), trial=60, count=4, seed=7, maximize=True, forbidden=[]),
        sort_keys=True,
    )
