"""The models a worker serves: named folders, read when first needed, kept afterwards."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from murnau_worker.errors import WorkerError
from murnau_worker.logs import get_logger
from murnau_worker.models.config import ModelConfig, read_model_config
from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.layouts import Layout, recognise
from murnau_worker.scoring.judge import Judge, read_judge

_WEIGHT_SUFFIXES = {".safetensors", ".ckpt", ".pt", ".bin", ".th"}


@dataclass(frozen=True)
class ServedModel:
    """A model folder that was recognised; `fingerprint` is over its weight files, the judge's left out."""

    name: str
    folder: Path
    layout: Layout
    config: ModelConfig
    fingerprint: str
    judge_name: str


class ModelRegistry:
    """Reads models on first use. Any thread may call it; only the device thread computes with what it returns."""

    def __init__(self, folders: Mapping[str, Path]) -> None:
        """Raises WorkerError `model.unreadable` for a folder of no known layout."""
        self.served: dict[str, ServedModel] = {}
        self._loaded: dict[str, Kandinsky] = {}
        self._reading = threading.Lock()
        self._judges: dict[str, Judge | None] = {}
        for name, folder in folders.items():
            layout = recognise(folder)
            self._judges[name] = judge = read_judge(folder / "judge")
            self.served[name] = ServedModel(
                name=name,
                folder=folder,
                layout=layout,
                config=read_model_config(folder),
                fingerprint=fingerprint_of(folder),
                judge_name=judge.name if judge else "",
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

    def loaded(self, name: str) -> Kandinsky | None:
        return self._loaded.get(name)

    def judge(self, name: str) -> Judge | None:
        return self._judges[name]

    def load(self, name: str) -> Kandinsky:
        """The model, read from its folder the first time."""
        with self._reading:
            known = self._loaded.get(name)
            if known is None:
                served = self.find(name)
                known = Kandinsky(served.layout.read(served.folder), served.config, served.fingerprint)
                self._loaded[name] = known
                get_logger().info("model loaded", extra={"model": name, "layout": served.layout.name})
            return known


def fingerprint_of(folder: Path) -> str:
    """SHA-256 over the names and contents of a model's weight files, hex."""
    digest = hashlib.sha256()
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        if path.suffix in _WEIGHT_SUFFIXES and path.is_file() and relative.parts[0] != "judge":
            digest.update(relative.as_posix().encode())
            with path.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
    return digest.hexdigest()
