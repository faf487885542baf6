"""What a family of models is, as plain data: gRPC and the simulated worker read it too. Loads no torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from murnau_worker.core.spec import FamilyParameters, Frozen, SpecRule
from murnau_worker.text.towers import Tower

Side = Literal["condition", "picture"]
JsonValue = str | int | float | bool


class FamilyOptions(Frozen):
    """Drawing options that only one family has: each family with its own subclass.

    An option that is None is not given: the model's default holds, or what the option stands for is left out.
    """


@dataclass(frozen=True)
class Part:
    """A part of a model.

    `title`: for messages. `side`: what makes conditions of texts and pictures, or what draws by them; with
    `offload: parts` the two are not in memory together. `is_optional`: a folder may lack it. `exact_tensors`: kept in
    fp32 whatever the model's dtype.
    """

    name: str
    title: str
    side: Side
    is_optional: bool = False
    exact_tensors: tuple[str, ...] = ()


@dataclass(frozen=True)
class Task:
    """What a model does for a request: training, or a way to draw. `parts`: those it needs.

    `towers`: those that read its texts.
    """

    name: str
    parts: tuple[str, ...]
    towers: tuple[str, ...]


@dataclass(frozen=True)
class Phase:
    """A loss that training steps may have. `parts`: those it computes with. `reads_latents`: of the step's pictures.

    Runs share a batch only where their latents have one shape, unless the loss reads none.
    """

    name: str
    parts: tuple[str, ...]
    reads_latents: bool = True


@dataclass(frozen=True)
class Objective:
    """What a run may minimise, by its phases. `help`: one line for a person; empty where the name says it."""

    name: str
    help: str


@dataclass(frozen=True)
class EmbeddingFormat:
    """A form of learnt embeddings beside safetensors, by the name and the file's suffix that people write.

    `is_read`: it can be imported too. `pipeline`: the pipeline of diffusers that reads it, where one does.
    """

    name: str
    suffix: str
    is_read: bool
    pipeline: str | None
    help: str


@dataclass(frozen=True)
class FamilyDescription:
    """A family. `encoder`: the part that encodes pictures. `conditioner`: the part named in a drawing's progress while
    it embeds texts and pictures.

    `drawing_defaults`: of its own options, for models whose folder says nothing; `num_steps`, `guidance_scale`: of the
    options that all have. `rules`: across the fields of its training.
    """

    name: str
    title: str
    towers: tuple[Tower, ...]
    parts: tuple[Part, ...]
    tasks: tuple[Task, ...]
    objectives: tuple[Objective, ...]
    phases: tuple[Phase, ...]
    encoder: str
    conditioner: str
    samplers: tuple[str, ...]
    parameters: type[FamilyParameters] = FamilyParameters
    options: type[FamilyOptions] = FamilyOptions
    drawing_defaults: Mapping[str, JsonValue] = field(default_factory=dict[str, JsonValue])
    num_steps: int = 50
    guidance_scale: float = 4.0
    embedding_formats: tuple[EmbeddingFormat, ...] = ()
    rules: tuple[SpecRule, ...] = ()

    def phase(self, name: str) -> Phase:
        return next(phase for phase in self.phases if phase.name == name)

    def task(self, name: str) -> Task:
        return next(task for task in self.tasks if task.name == name)

    @property
    def tower_names(self) -> tuple[str, ...]:
        return tuple(tower.name for tower in self.towers)

    @property
    def parts_of_task(self) -> Mapping[str, tuple[str, ...]]:
        return {task.name: task.parts for task in self.tasks}

    @property
    def parts_of_phase(self) -> Mapping[str, tuple[str, ...]]:
        return {phase.name: phase.parts for phase in self.phases}

    @property
    def part_names(self) -> tuple[str, ...]:
        return tuple(part.name for part in self.parts)

    @property
    def optional_parts(self) -> frozenset[str]:
        return frozenset(part.name for part in self.parts if part.is_optional)

    @property
    def exact_tensors(self) -> Mapping[str, tuple[str, ...]]:
        """By part, the tensors that are fp32 whatever the model's dtype."""
        return {part.name: part.exact_tensors for part in self.parts if part.exact_tensors}
