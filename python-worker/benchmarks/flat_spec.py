"""Specs and drawing options of Kandinsky 2.1 by the names that people write, as in a sweep file."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from murnau_worker.core.spec import (
    ConceptSpec,
    DataSpec,
    EvaluationSpec,
    Frozen,
    ObjectiveSpec,
    OptimizerSpec,
    TrainingSpec,
)
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.families.kandinsky21.parameters import Kandinsky21Options, Kandinsky21Parameters

_SECTIONS: Mapping[str, type[Frozen]] = {
    "concept": ConceptSpec,
    "objective": ObjectiveSpec,
    "optimizer": OptimizerSpec,
    "data": DataSpec,
    "evaluation": EvaluationSpec,
}
_PLACES: Mapping[str, tuple[str, ...]] = {
    "objective": ("objective", "name"),
    "optimizer": ("optimizer", "name"),
    "eval_every_steps": ("evaluation", "every_steps"),
    **{f"learning_rate_{tower}": ("optimizer", "learning_rates", tower) for tower in ("t1", "t2")},
    **{f"initializer_{tower}": ("concept", "initializers", tower) for tower in ("t1", "t2")},
    **{name: ("objective", "parameters", name) for name in Kandinsky21Parameters.model_fields},
}


def place_of(name: str) -> tuple[str, ...]:
    """Where a name stands in the sections."""
    if name in _PLACES:
        return _PLACES[name]
    sections = [section for section, kind in _SECTIONS.items() if name in kind.model_fields]
    return (*sections[:1], name)


def in_sections(values: Mapping[str, Any]) -> dict[str, Any]:
    """Values by the names that people write, as the spec and its message nest them."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        *sections, last = place_of(name)
        section = found
        for each in sections:
            section = section.setdefault(each, {})
        section[last] = value
    return found


def flat_spec(values: Mapping[str, Any]) -> TrainingSpec:
    nested = in_sections({"objective": "joint", **values})
    nested["objective"]["parameters"] = Kandinsky21Parameters(**nested["objective"].get("parameters", {}))
    return TrainingSpec.model_validate(nested)


def flat_options(**values: Any) -> DrawOptions:
    own = {name: values.pop(name) for name in list(values) if name in Kandinsky21Options.model_fields}
    return DrawOptions(**values, family=Kandinsky21Options(**own))
