"""The models a worker serves: named folders, whose parts are read when first needed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.engine.served_models_file import ModelEntry
from murnau_worker.families.family import FamilyModel, Layout
from murnau_worker.families.layouts import recognise
from murnau_worker.families.settings import ModelSettings, read_model_settings
from murnau_worker.models.part_store import PartStore
from murnau_worker.models.parts import ModelShape
from murnau_worker.scoring.judge import Judge, read_judge


@dataclass(frozen=True)
class ServedModel:
    """A model folder that was recognised."""

    name: str
    folder: Path
    layout: Layout
    settings: ModelSettings
    entry: ModelEntry
    fingerprint: str
    judge_name: str


class ServedModels:
    """Opens folders at once and reads weights on first use. Any thread may call it.

    Only the device thread computes with what it returns.
    """

    def __init__(
        self,
        models: Mapping[str, ModelEntry | Path],
        *,
        memory_limit_bytes: int = 0,
        cache: Path | None = None,
    ) -> None:
        """`memory_limit_bytes`: of all resident parts together (0: none). `cache`: folder for digests of large files.

        Raises WorkerError `model.unreadable` for a folder of no known layout or with parts missing.
        """
        self.served: dict[str, ServedModel] = {}
        self._models: dict[str, FamilyModel] = {}
        self._judges: dict[str, Judge | None] = {}
        self._shapes: dict[str, ModelShape | None] = {}
        store = PartStore(memory_limit_bytes)
        for name, given in models.items():
            entry = ModelEntry(path=given) if isinstance(given, Path) else given
            self._open(name, entry, store, cache)

    def _open(self, name: str, entry: ModelEntry, store: PartStore, cache: Path | None) -> None:
        folder = entry.path
        recognised = recognise(folder, entry.family)
        family = recognised.family.description
        if entry.family and entry.family != family.name:
            raise WorkerError(
                "model.unreadable",
                f"{folder} holds a {family.title}",
                field=f"models.{name}.family",
                given=entry.family,
                allowed=family.name,
            )
        source = recognised.read()
        self._judges[name] = judge = read_judge(folder / "judge")
        self.served[name] = served = ServedModel(
            name=name,
            folder=folder,
            layout=recognised.layout,
            settings=read_model_settings(folder, family),
            entry=entry,
            fingerprint=recognised.fingerprint(cache),
            judge_name=judge.name if judge else "",
        )
        self._models[name] = recognised.family.open(
            source,
            served.settings,
            served.fingerprint,
            name=name,
            store=store,
            device=entry.torch_device,
            dtype=entry.torch_dtype,
            offload=entry.offload,
            checkpointing=entry.checkpointing,
        )

    def find(self, name: str) -> ServedModel:
        """Raises WorkerError `model.not_served`."""
        found = self.served.get(name)
        if found is None:
            raise WorkerError(
                "model.not_served",
                f'model "{name}" is not served by this worker',
                field="spec.model",
                given=name,
                allowed=", ".join(self.served),
            )
        return found

    def load(self, name: str) -> FamilyModel:
        """The model. Its parts are read as they are asked for. Raises WorkerError `model.not_served`."""
        return self._models[self.find(name).name]

    def shape(self, name: str) -> ModelShape | None:
        """A model's widths; None where its files can not be read, which is logged once."""
        if name not in self._shapes:
            try:
                self._shapes[name] = self._models[name].shape
            except WorkerError as error:
                get_logger().error(error.message, extra={"code": error.code, "model": name})
                self._shapes[name] = None
        return self._shapes[name]

    def judge(self, name: str) -> Judge | None:
        return self._judges[name]
