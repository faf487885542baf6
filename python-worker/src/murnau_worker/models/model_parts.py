"""A model as parts that come and go: read when first asked for, handed out whole, released or pushed out again."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import nn

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.models.checkpointing import BlockCheckpointing, Checkpointing
from murnau_worker.models.part_store import PartStore
from murnau_worker.models.parts import (
    PART_NAMES,
    PARTS_OF_PHASE,
    PARTS_OF_TASK,
    PRIOR_SIDE,
    PartName,
    PartSource,
    Phase,
    TaskName,
)
from murnau_worker.models.prior_network import PriorNetwork
from murnau_worker.models.text_towers import T1Tower, T2Tower, set_attention

Offload = Literal["none", "parts"]
LoadingProgress = Callable[[PartName, int, int], None]  # the part that is read next, parts read before it, in all


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


@dataclass(frozen=True)
class _LoadedPart:
    """A part's module, and what the model hands out for it: the module itself or the tower around it."""

    module: nn.Module
    face: Any

    @property
    def size_bytes(self) -> int:
        tensors = [*self.module.parameters(), *self.module.buffers()]
        return sum(tensor.numel() * tensor.element_size() for tensor in tensors)


class ModelParts:
    """A model's parts in one dtype on one device, kept in a store that it may share with other models.

    Reading a part takes as long as its file does: `prepare` reads a task's parts one at a time, so that the caller can
    do something else in between. Whoever asks for a part that is not there just waits for it.
    """

    def __init__(
        self,
        source: PartSource,
        name: str,
        store: PartStore,
        device: torch.device,
        dtype: torch.dtype,
        offload: Offload,
        checkpointing: Checkpointing,
    ) -> None:
        self.source = source
        self.name = name
        self.device = device
        self.dtype = dtype
        self.offload: Offload = offload
        self._store = store
        self._scales: dict[PartName, VocabularyScale] = {}
        self.checkpointing = BlockCheckpointing(
            checkpointing,
            device,
            is_offloading=offload == "parts",
            weights_bytes=lambda: sum(map(self.size_bytes, PARTS_OF_PHASE["joint"])),
        )

    def _part(self, part: PartName) -> Any:
        return self._store.get((self.name, part), lambda: self._load(part), lambda loaded: loaded.size_bytes).face

    def _load(self, part: PartName) -> _LoadedPart:
        module = self.source.read(part, self.dtype)
        module.requires_grad_(False).eval().to(self.device)
        if part in ("text_encoder", "clip_text"):
            # At a prompt's length the plain attention's backward pass is faster than the fused one's on a CPU.
            set_attention(module, "eager" if self.device.type == "cpu" else "sdpa")
        self.checkpointing.cover(part, module)
        face = self._face(part, module)
        if part in ("text_encoder", "clip_text") and part not in self._scales:
            self._scales[part] = vocabulary_scale(face.rows.weight)
        get_logger().info("part loaded", extra={"model": self.name, "model_part": part, "layout": self.source.layout})
        return _LoadedPart(module, face)

    def _face(self, part: PartName, module: Any) -> Any:
        match part:
            case "text_encoder":
                return T1Tower(module)
            case "clip_text":
                return T2Tower(module)
            case "prior":
                return PriorNetwork(module, self.checkpointing)
            case _:
                return module

    @property
    def tasks(self) -> tuple[TaskName, ...]:
        """The tasks that the model's files allow."""
        return tuple(task for task, parts in PARTS_OF_TASK.items() if set(parts) <= set(self.source.parts))

    def check_task(self, task: TaskName) -> None:
        """Raises WorkerError `model.task_not_served` and says what to add where."""
        if task not in self.tasks:
            raise WorkerError(
                "model.task_not_served",
                f'model "{self.name}" has no inpainting decoder; put it at {self.source.inpainting_place} of its '
                "folder and start the worker again",
                field="model",
                given=task,
                allowed=", ".join(self.tasks),
            )

    def prepare(self, task: TaskName, on_progress: LoadingProgress | None = None) -> Iterator[PartName]:
        """Reads the parts that a task needs and that are not in memory, and yields each after it was read.

        `on_progress` is told before each, and once at the end. With `offload: parts` the UNet is not read here but when
        it is first asked for, which is after the prior's parts were released, and what the task does not need leaves
        before anything is read.
        Raises WorkerError `model.task_not_served` or `model.unreadable`.
        """
        self.check_task(task)
        missing: list[PartName] = [part for part in self._needed(task) if not self.is_resident(part)]
        if missing:
            self._release_all_but(self._needed(task))
        report = on_progress or _ignore
        for done, part in enumerate(missing):
            report(part, done, len(missing))
            self._part(part)
            yield part
        if missing:
            report(missing[-1], len(missing), len(missing))

    def _needed(self, task: TaskName) -> list[PartName]:
        needed: list[PartName] = list(PARTS_OF_TASK[task])
        if self.offload == "parts":
            beside: tuple[PartName, ...] = ("movq",) if task == "train" else ()
            needed = [part for part in needed if part in PRIOR_SIDE + beside]
        return needed

    def hold(self, phase: Phase) -> None:
        """With `offload: parts`, sees that the parts that a training phase computes with are there, and no others.

        Raises WorkerError `model.unreadable`.
        """
        if self.offload != "parts":
            return
        self._release_all_but(PARTS_OF_PHASE[phase])
        for part in PARTS_OF_PHASE[phase]:
            self._part(part)

    def holds(self, phase: Phase) -> bool:
        return all(map(self.is_resident, PARTS_OF_PHASE[phase]))

    def _release_all_but(self, needed: Collection[PartName]) -> None:
        self.release(*set(PART_NAMES).difference(needed))

    def release(self, *parts: PartName) -> None:
        """The caller needs these parts no longer for now: with `offload: parts` they leave the device's memory.

        They are read again when next asked for, from the system's file cache as a rule. A computation that still holds
        one keeps it until it ends.
        """
        if self.offload == "parts":
            self._store.drop((self.name, part) for part in parts)

    def is_resident(self, part: PartName) -> bool:
        return self._store.is_resident((self.name, part))

    def size_bytes(self, part: PartName) -> int:
        """Size of a part in memory; 0 before it was first loaded."""
        return self._store.size_bytes((self.name, part))

    @property
    def scale_t1(self) -> VocabularyScale:
        return self._scale("text_encoder")

    @property
    def scale_t2(self) -> VocabularyScale:
        return self._scale("clip_text")

    def _scale(self, part: PartName) -> VocabularyScale:
        if part not in self._scales:
            self._part(part)
        return self._scales[part]

    def known_scale(self, part: PartName) -> VocabularyScale | None:
        """A text tower's scale, where it was loaded before."""
        return self._scales.get(part)


def _ignore(_part: PartName, _done: int, _total: int) -> None: ...
