"""Pebble as data. Loads no torch."""

from __future__ import annotations

from pydantic import Field

from murnau_worker.core.spec import FamilyParameters, TrainingSpec
from murnau_worker.families.description import FamilyDescription, FamilyOptions, Objective, Part, Phase, Task
from murnau_worker.text.towers import Tower

_PARTS = ("reader", "painter", "codec")


class PebbleParameters(FamilyParameters):
    hardness: float = Field(default=1.0, gt=0, le=10, description="factor of the loss")
    repeats: int = Field(default=1, ge=1, le=4, description="times that the loss counts")


class PebbleOptions(FamilyOptions):
    tint: float | None = Field(default=None, ge=-1, le=1, description="what is added to every colour")


def parameters_of(spec: TrainingSpec) -> PebbleParameters:
    assert isinstance(spec.objective.parameters, PebbleParameters)
    return spec.objective.parameters


PEBBLE = FamilyDescription(
    name="pebble",
    title="Pebble",
    towers=(Tower("words", "list of words", "the painter's text tower", "reader", learning_rate=0.05),),
    parts=(
        Part("reader", "reader", "condition"),
        Part("painter", "painter", "picture"),
        Part("codec", "codec", "picture"),
    ),
    tasks=(Task("train", _PARTS, ("words",)), Task("text2img", _PARTS, ("words",))),
    objectives=(Objective("colour", "the painter's error"),),
    phases=(Phase("colour", ("reader", "painter")),),
    encoder="codec",
    conditioner="reader",
    samplers=("ddim_sampler",),
    parameters=PebbleParameters,
    options=PebbleOptions,
    drawing_defaults={"tint": 0.0},
)
