"""A training spec out of its message, checked against the family of its model. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import ValidationError

from murnau_worker.core.spec import SPEC_RULES, TrainingSpec
from murnau_worker.families.description import FamilyDescription
from murnau_worker.rpc.family_values import read_family_values
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.refusal import invalid


def _words_of(enum: Any) -> Mapping[int, str]:
    """A proto enum's words as a spec has them, by number. 0 (absent) is the first word, as the proto's comments say."""
    absent, *names = enum.keys()
    prefix = absent.removesuffix("UNSPECIFIED")
    words = {enum.Value(name): name.removeprefix(prefix).lower() for name in names}
    return {0: words[1], **words}


LOSS_WEIGHTS = _words_of(pb.LossWeight)
LOSS_MASKS = _words_of(pb.LossMask)
PUBLISHED = _words_of(pb.Publish)
RESIZES = _words_of(pb.Resize)
TEMPLATE_SETS = _words_of(pb.TemplateSet)
SCHEDULES = _words_of(pb.Schedule)
NORMS = _words_of(pb.NormRule)
UNITS = _words_of(pb.LearningRateUnit)
PACKINGS = _words_of(pb.Packing)

# Fields that people write under another name than that of their place in the sections.
_WRITTEN: Mapping[tuple[str, ...], str] = {
    ("objective", "name"): "objective",
    ("optimizer", "name"): "optimizer",
    ("evaluation", "every_steps"): "eval.every_steps",
    ("evaluation", "stop_at_plateau"): "stop_when.plateau",
    ("checkpoint_every_steps",): "checkpoint.every_steps",
}
_BY_TOWER: Mapping[str, str] = {"learning_rates": "learning_rate", "initializers": "initializer"}
_SECTIONS = frozenset({"concept", "objective", "optimizer", "data", "evaluation"})


def field_name(place: Sequence[object]) -> str:
    """The name by which people write a field: `spec.learning_rate_<tower>` for its place in the sections."""
    path = tuple(map(str, place))
    if path in _WRITTEN:
        return f"spec.{_WRITTEN[path]}"
    if path[:2] == ("data", "template_languages"):  # people write one text of them
        return "spec.template_languages"
    if path[:2] == ("objective", "parameters") and len(path) > 2:
        return ".".join(["spec", *path[2:]])
    if len(path) == 3 and path[1] in _BY_TOWER:
        return f"spec.{_BY_TOWER[path[1]]}_{path[2]}"
    return ".".join(["spec", *(path[1:] if len(path) > 1 and path[0] in _SECTIONS else path)])


def _word(words: Mapping[int, str], number: int, field: str) -> str:
    found = words.get(number)
    if found is None:
        raise invalid(field, f"{field} is not set to a known value", number, ", ".join(sorted(set(words.values()))))
    return found


def read_spec(message: pb.TrainingSpec, family: FamilyDescription) -> TrainingSpec:
    """`family`: of the spec's model. Raises WorkerError `spec.invalid`: the field, what was given, what is allowed."""
    values: dict[str, Any] = {
        "model": message.model,
        "concept": _concept(message.concept, family),
        "objective": _objective(message.objective, family),
        "optimizer": _optimizer(message.optimizer, family),
        "data": _data(message.data),
        "evaluation": _evaluation(message.evaluation),
        "samples": _samples(message.samples),
        "max_steps": message.max_steps,
        "seed": message.seed,
        "packing": _word(PACKINGS, message.packing, "spec.packing"),
        "checkpoint_every_steps": message.checkpoint_every_steps,
    }
    try:
        spec = TrainingSpec.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        field = field_name(first["loc"])
        raise invalid(field, f"{field}: {first['msg']}", first.get("input", "")) from error
    for rule in (*SPEC_RULES, *family.rules):
        if not rule.holds(spec):
            field = f"spec.{rule.field}"
            raise invalid(field, f"{field} {rule.problem}", rule.given(spec))
    return spec


def _concept(message: pb.Concept, family: FamilyDescription) -> dict[str, Any]:
    return {
        "placeholder_token": message.placeholder_token,
        "initializer_token": message.initializer_token,
        "initializers": {tower: words for tower, words in _by_tower(message, "initializers", family).items() if words},
        "num_vectors": message.num_vectors or 1,
    }


def _objective(message: pb.Objective, family: FamilyDescription) -> dict[str, Any]:
    names = [objective.name for objective in family.objectives]
    if message.name not in names:
        problem = f'{family.title} has no objective "{message.name}"'
        raise invalid("spec.objective", problem, message.name, ", ".join(names))
    return {
        "name": message.name,
        "parameters": read_family_values(message.parameters, family.parameters, family.title, "spec."),
        "loss_weight": _word(LOSS_WEIGHTS, message.loss_weight, "spec.loss_weight"),
        "min_snr_gamma": message.min_snr_gamma or 5.0,
        "loss_mask": _word(LOSS_MASKS, message.loss_mask, "spec.loss_mask"),
        "loss_mask_floor": message.loss_mask_floor,
    }


def _optimizer(message: pb.Optimizer, family: FamilyDescription) -> dict[str, Any]:
    rates = _by_tower(message, "learning_rates", family)
    return {
        "name": message.name or "adamw",
        "learning_rates": {tower.name: rates.get(tower.name, tower.learning_rate) for tower in family.towers},
        "learning_rate_unit": _word(UNITS, message.learning_rate_unit, "spec.learning_rate_unit"),
        "schedule": _word(SCHEDULES, message.schedule, "spec.schedule"),
        "schedule_steps": message.schedule_steps,
        "warmup_steps": message.warmup_steps,
        "weight_decay": message.weight_decay,
        "batch_size": message.batch_size,
        "gradient_accumulation_steps": message.gradient_accumulation_steps or 1,
        "norm": _word(NORMS, message.norm, "spec.norm"),
        "ema_decay": message.ema_decay,
    }


def _data(message: pb.Data) -> dict[str, Any]:
    return {
        "resize": _word(RESIZES, message.resize, "spec.resize"),
        "flip_probability": message.flip_probability,
        "templates": _word(TEMPLATE_SETS, message.templates, "spec.templates"),
        "template_languages": tuple(message.template_languages) or ("en",),
    }


def _evaluation(message: pb.Evaluation) -> dict[str, Any]:
    return {
        "every_steps": message.every_steps,
        "publish": _word(PUBLISHED, message.publish, "spec.publish"),
        "stop_at_plateau": message.stop_at_plateau,
    }


def _samples(message: pb.SampleSpec) -> dict[str, Any]:
    return {
        "every_steps": message.every_steps,
        "prompts": tuple(message.prompts),
        "per_prompt": message.per_prompt or 1,
        "seed": message.seed,
        "final_count": message.final_count,
        "final_seed": message.final_seed,
        "num_steps": message.num_steps,
        "guidance_scale": message.guidance_scale,
    }


def _by_tower(message: Any, name: str, family: FamilyDescription) -> dict[str, Any]:
    """A message's values by tower, in the family's order, whatever the message's."""
    values: dict[str, Any] = dict(getattr(message, name))
    check_towers(list(values), _BY_TOWER[name], family)
    return {tower: values[tower] for tower in family.tower_names if tower in values}


def check_towers(given: Sequence[str], name: str, family: FamilyDescription) -> None:
    """Raises WorkerError `spec.invalid` for a tower that the family does not have. `name`: of the fields."""
    for tower in given:
        if tower not in family.tower_names:
            allowed = ", ".join(f"{name}_{known}" for known in family.tower_names)
            raise invalid(f"spec.{name}_{tower}", f'{family.title} has no text tower "{tower}"', tower, allowed)
