"""Specs at the edges of what is allowed: the worker refuses what libs/domain refuses, by the same field."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from flat_spec import in_sections

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.rpc import read_spec
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb

FILE = Path(__file__).parents[2] / "libs" / "domain" / "src" / "spec-cases.json"  # written by spec-cases.spec.ts
CONTENT: dict[str, Any] = json.loads(FILE.read_text("utf-8"))

# What the client keeps to itself, and what the worker has under another name.
CLIENTS_OWN = {"max_restarts", "segment_max_s", "checkpoint.keep"}
PLACES = {
    "eval.every_steps": "eval_every_steps",
    "stop_when.plateau": "stop_at_plateau",
    "checkpoint.every_steps": "checkpoint_every_steps",
}
WORDS: Mapping[str, Mapping[int, str]] = {
    "loss_weight": read_spec.LOSS_WEIGHTS,
    "loss_mask": read_spec.LOSS_MASKS,
    "publish": read_spec.PUBLISHED,
    "resize": read_spec.RESIZES,
    "templates": read_spec.TEMPLATE_SETS,
    "schedule": read_spec.SCHEDULES,
    "norm": read_spec.NORMS,
    "learning_rate_unit": read_spec.UNITS,
    "packing": read_spec.PACKINGS,
}
# For these the protocol says that 0 is absent.
ABSENT_AT_ZERO = {"num_vectors", "gradient_accumulation_steps", "samples.per_prompt", "min_snr_gamma"}


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, dict) else {prefix + name: value}
    return found


def message_of(values: Mapping[str, Any]) -> pb.TrainingSpec:
    """As libs/gpu-client makes it."""
    own = {name: value for name, value in values.items() if name not in CLIENTS_OWN and value is not None}
    own.setdefault("schedule_steps", min(max(own["max_steps"], 1), 1_000_000))  # which is not what is at fault then
    samples = {name.removeprefix("samples."): own.pop(name) for name in list(own) if name.startswith("samples.")}
    for name, words in WORDS.items():
        own[name] = next(number for number, word in words.items() if number and word == own[name])
    own["template_languages"] = own["template_languages"].split(",")
    named = {PLACES.get(name, name): value for name, value in own.items()}
    return pb.TrainingSpec(**in_sections({**named, "samples": pb.SampleSpec(**samples)}))


def refused_by(changes: Mapping[str, Any]) -> str | None:
    try:
        message = message_of({**flat(CONTENT["base"]), **changes})
    except (ValueError, TypeError):
        return next(iter(changes))  # the protocol has no room for it
    try:
        read_spec.read_spec(message, KANDINSKY21)
    except WorkerError as error:
        return error.field.removeprefix("spec.") if error.code == "spec.invalid" else error.code
    return None


def can_be_said(changes: Mapping[str, Any]) -> bool:
    """Whether the protocol has a word for it."""
    return not CLIENTS_OWN & set(changes) and not any(changes.get(name) == 0 for name in ABSENT_AT_ZERO)


CASES = [case for case in CONTENT["cases"] if can_be_said(case["set"])]


@pytest.mark.parametrize("case", CASES, ids=lambda case: json.dumps(case["set"]))
def test_it_is_decided_as_in_the_domain(case: dict[str, Any]) -> None:
    found = refused_by(case["set"])
    assert found == case["refused_by"]


def test_absent_learning_rates_are_the_familys() -> None:
    spec = read_spec.read_spec(
        message_of({**flat(CONTENT["base"]), "learning_rate_t1": None, "learning_rate_t2": 0.5}), KANDINSKY21
    )
    assert dict(spec.optimizer.learning_rates) == {"t1": CONTENT["base"]["learning_rate_t1"], "t2": 0.5}
