"""What the quality benchmark trains: concepts, ways of training and their runs.

The defaults were searched for on TUNING alone; what is reported is of TEST.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from quality_training import RunPlan
from runs import EXAMPLES

from murnau_worker.advisor.search_space import Choice, FloatRange, JsonValue, Parameter, SearchSpace, canonical_text
from murnau_worker.advisor.suggest import suggest

SEEDS = (1, 2, 3)
TUNING = ("doughnut", "helicopter", "lollipop", "blue-apple", "green-star", "pink-fish")
SWEEP_TRIALS = 12
SWEEP_SEED = 7

Changes = Mapping[str, Any]

# The reference script's settings: `--preset reference` of the command line.
REFERENCE: Changes = {
    "pooling": "argmax",
    "learning_rate_t1": 1e-4,
    "learning_rate_t2": 1e-4,
    "learning_rate_unit": "absolute",
    "weight_decay": 1e-2,
    "batch_size": 1,
    "max_steps": 3000,
    "schedule_steps": 3000,
}

# What a run has that is told nothing: the defaults of libs/domain/src/training-spec.ts.
DEFAULTS: Changes = {
    "schedule": "cosine",
    "learning_rate_t1": 0.2,
    "learning_rate_t2": 0.2,
    "norm": "vocabulary",
    "batch_size": 8,
    "max_steps": 200,
    "schedule_steps": 200,
    "ema_decay": 0.95,
}


def _choice(*values: JsonValue) -> Choice:
    return Choice(tuple(canonical_text(value) for value in values))


_SPACE = SearchSpace(
    (
        Parameter("initializer", _choice(0, 1, 2)),
        Parameter("learning_rate_t1", FloatRange(0.02, 0.5, log=True)),
        Parameter("learning_rate_t2", FloatRange(0.02, 0.5, log=True)),
        Parameter("norm", _choice("free", "vocabulary")),
        Parameter("num_vectors", _choice(1, 2, 4)),
    )
)


@dataclass(frozen=True)
class Concept:
    """`initializers`: from broad to specific; `initializer`: the one that a person would take."""

    folder: str
    judge_class: str
    initializers: tuple[str, ...]
    initializer: str


@lru_cache(maxsize=1)
def concepts() -> tuple[Concept, ...]:
    """All of examples/. Of a combination ("green heart") the thing is the initializer, of a glyph the nearest word."""
    entries: list[dict[str, Any]] = json.loads((EXAMPLES / "concepts.json").read_text("utf-8"))
    return tuple(
        Concept(
            folder=entry["folder"],
            judge_class=entry["judge_class"],
            initializers=tuple(entry["initializers"]),
            initializer=entry["initializers"][0 if entry["kind"] == "combination" else -1],
        )
        for entry in entries
    )


def test_concepts() -> list[Concept]:
    return [concept for concept in concepts() if concept.folder not in TUNING]


def tuning_concepts() -> list[Concept]:
    return [concept for concept in concepts() if concept.folder in TUNING]


def run_plan(concept: Concept, seed: int, changes: Changes, name: str | None = None) -> RunPlan:
    """A run of one concept; `changes` may name another initializer."""
    values = {"initializer_token": concept.initializer, "seed": seed, **changes}
    return RunPlan(name or f"{concept.folder}-{seed}", concept.folder, values)


def sweep_changes(concept: Concept) -> list[Changes]:
    """The trials of a concept's sweep: points of the default search space around the defaults."""
    points = suggest(_SPACE, [], trial=0, count=SWEEP_TRIALS, seed=SWEEP_SEED, maximize=True)
    return [{**DEFAULTS, **_of_point(concept, point)} for point in points]


def _of_point(concept: Concept, point: Mapping[str, Any]) -> dict[str, Any]:
    words = concept.initializers
    others = {name: value for name, value in point.items() if name != "initializer"}
    return {"initializer_token": words[int(point["initializer"]) % len(words)], **others}


def unet_samples(changes: Changes) -> int:
    """Samples that go through the UNet with gradient."""
    return int(changes["max_steps"]) * int(changes["batch_size"])
