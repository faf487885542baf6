"""A model as parts that come and go: read when first asked for, handed out whole, released or pushed out again."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Protocol

import torch
from torch import nn

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.learnt_rows import LearntRows
from murnau_worker.core.logs import get_logger
from murnau_worker.models.checkpointing import BlockCheckpointing, Checkpointing
from murnau_worker.models.part_store import PartStore
from murnau_worker.models.parts import PartSource

Offload = Literal["none", "parts"]
LoadingProgress = Callable[[str, int, int], None]  # the part that is read next, parts read before it, in all


@dataclass(frozen=True)
class VocabularyScale:
    """How large a tower's vocabulary rows are: the unit of relative learning rates and the norm learnt rows keep to."""

    rms: float
    median_norm: float


def vocabulary_scale(table_VD: torch.Tensor) -> VocabularyScale:
    """Root mean square of a table's values, and the median norm of its rows."""
    norms_V = torch.linalg.vector_norm(table_VD.detach(), dim=1, dtype=torch.float64)
    return VocabularyScale(
        rms=float((norms_V.square().mean() / table_VD.shape[1]).sqrt()), median_norm=float(norms_V.median())
    )


class TextTower(Protocol):
    """A text tower as far as its rows go."""

    rows: LearntRows


@dataclass(frozen=True)
class PartPlan:
    """A model's parts, and which of them each task and each training phase needs. `family`: for messages.

    `titles`: of parts that a folder may lack, for messages. `condition_side`: parts that make conditions of texts and
    pictures; with `offload: parts` they and the others are not in memory together while pictures are drawn.
    `encoder`: the part that encodes a run's pictures before its first step. `towers`: parts that are text towers.
    """

    family: str
    names: tuple[str, ...]
    of_task: Mapping[str, tuple[str, ...]]
    of_phase: Mapping[str, tuple[str, ...]]
    titles: Mapping[str, str]
    condition_side: frozenset[str]
    encoder: str
    towers: Mapping[str, str]

    @property
    def of_any_phase(self) -> frozenset[str]:
        return frozenset(part for parts in self.of_phase.values() for part in parts)


@dataclass(frozen=True)
class _LoadedPart:
    """A part's module, and what is used of it: the module itself or a wrapper around it."""

    module: nn.Module
    wrapped: Any

    @property
    def size_bytes(self) -> int:
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class ModelParts(ABC):
    """A model's parts in one dtype on one device, kept in a store that it may share with other models.

    A family says how a part is wrapped, and which of its blocks are worth computing again.

    Reading a part takes as long as its file does: `prepare` reads a task's parts one at a time, so that the caller can
    do something else in between. Whoever asks for a part that is not there just waits for it.
    """

    def __init__(
        self,
        plan: PartPlan,
        source: PartSource,
        name: str,
        store: PartStore,
        device: torch.device,
        dtype: torch.dtype,
        offload: Offload,
        checkpointing: Checkpointing,
    ) -> None:
        self.plan = plan
        self.source = source
        self.name = name
        self.device = device
        self.dtype = dtype
        self.offload: Offload = offload
        self._store = store
        self._scales: dict[str, VocabularyScale] = {}
        self._vocabulary_sizes: dict[str, int] = {}
        self.checkpointing = BlockCheckpointing(
            checkpointing,
            device,
            is_offloading=offload == "parts",
            weights_bytes=lambda: sum(map(self.size_bytes, plan.of_any_phase)),
        )

    def _part(self, part: str) -> Any:
        return self._store.get((self.name, part), lambda: self._load(part), lambda loaded: loaded.size_bytes).wrapped

    def _load(self, part: str) -> _LoadedPart:
        module = self.source.read(part, self.dtype)
        module.requires_grad_(False).eval().to(self.device)
        self.checkpointing.cover(self._blocks(part, module))
        wrapped = self._wrap(part, module)
        for tower, tower_part in self.plan.towers.items():
            if part == tower_part and tower not in self._scales:
                self._scales[tower] = vocabulary_scale(wrapped.rows.weight)
        get_logger().info("part loaded", extra={"model": self.name, "model_part": part, "layout": self.source.layout})
        return _LoadedPart(module, wrapped)

    @abstractmethod
    def _wrap(self, part: str, module: Any) -> Any:
        """What is used of a part: its module or a wrapper around it, which of a text tower has LearntRows as `rows`."""

    @abstractmethod
    def _blocks(self, part: str, module: Any) -> Iterable[nn.Module]:
        """Blocks of a part that may be computed again in a backward pass."""

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks that the model's files allow."""
        return tuple(task for task, parts in self.plan.of_task.items() if set(parts) <= set(self.source.parts))

    def check_task(self, task: str) -> None:
        """Raises WorkerError `model.task_not_served` and says what to add where."""
        if task not in self.plan.of_task:
            raise WorkerError(
                "model.task_not_served",
                f'model "{self.name}" is a {self.plan.family}, which does not do {task}',
                field="model",
                given=task,
                allowed=", ".join(self.tasks),
            )
        if task not in self.tasks:
            missing = [part for part in self.plan.of_task[task] if part not in self.source.parts]
            titles = " and ".join(self.plan.titles.get(part, part) for part in missing)
            places = " and ".join(self.source.optional_places.get(part, part) for part in missing)
            raise WorkerError(
                "model.task_not_served",
                f'model "{self.name}" has no {titles}; put it at {places} of its folder and start the worker again',
                field="model",
                given=task,
                allowed=", ".join(self.tasks),
            )

    def prepare(self, task: str, on_progress: LoadingProgress | None = None) -> Iterator[str]:
        """Reads the parts that a task needs and that are not in memory, and yields each after it was read.

        `on_progress` is called before each, and once at the end. With `offload: parts` the denoiser is not read here
        but when it is first used, which is after the parts of the condition were released, and what the task does not
        need leaves before anything is read.
        Raises WorkerError `model.task_not_served` or `model.unreadable`.
        """
        self.check_task(task)
        missing = [part for part in self._needed(task) if not self.is_resident(part)]
        if missing:
            self._release_all_but(self._needed(task))
        report = on_progress or _ignore
        for done, part in enumerate(missing):
            report(part, done, len(missing))
            self._part(part)
            yield part
        if missing:
            report(missing[-1], len(missing), len(missing))

    def _needed(self, task: str) -> list[str]:
        needed = list(self.plan.of_task[task])
        if self.offload == "parts":
            first = self.plan.condition_side | ({self.plan.encoder} if task == "train" else set())
            needed = [part for part in needed if part in first]
        return needed

    def hold(self, phase: str) -> None:
        """With `offload: parts`, sees that the parts that a training phase computes with are there, and no others.

        Raises WorkerError `model.unreadable`.
        """
        if self.offload != "parts":
            return
        self._release_all_but(self.plan.of_phase[phase])
        for part in self.plan.of_phase[phase]:
            self._part(part)

    def holds(self, phase: str) -> bool:
        return all(map(self.is_resident, self.plan.of_phase[phase]))

    def _release_all_but(self, needed: Collection[str]) -> None:
        self.release(*set(self.plan.names).difference(needed))

    def release(self, *parts: str) -> None:
        """The caller needs these parts no longer for now: with `offload: parts` they leave the device's memory.

        They are read again when next asked for, from the system's file cache as a rule. A computation that still holds
        one keeps it until it ends.
        """
        if self.offload == "parts":
            self._store.drop((self.name, part) for part in parts)

    def release_condition_side(self) -> None:
        """The conditions of a drawing are made: see `release`."""
        self.release(*self.plan.condition_side)

    def is_resident(self, part: str) -> bool:
        return self._store.is_resident((self.name, part))

    def size_bytes(self, part: str) -> int:
        """Size of a part in memory; 0 before it was first loaded."""
        return self._store.size_bytes((self.name, part))

    def tower(self, tower: str) -> TextTower:
        """A text tower, as far as its rows go."""
        return self._part(self.plan.towers[tower])

    def vocabulary_size(self, tower: str) -> int:
        """Rows of a tower's table: ids from there on are learnt ones.

        Kept from a run's start: its samples are drawn and packed while the part that says it may be gone.
        """
        if tower not in self._vocabulary_sizes:
            self._vocabulary_sizes[tower] = self.tower(tower).rows.vocabulary_size
        return self._vocabulary_sizes[tower]

    def scale(self, tower: str) -> VocabularyScale:
        """How large the vocabulary rows of a tower are."""
        if tower not in self._scales:
            self.tower(tower)
        return self._scales[tower]

    def known_scale(self, tower: str) -> VocabularyScale | None:
        """The scale, where the tower was loaded before."""
        return self._scales.get(tower)


def _ignore(_part: str, _done: int, _total: int) -> None: ...
