"""Training runs for benchmarks, made as a session makes them, and the engine's steps of them."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flat_spec import flat_spec

from murnau_worker.engine.packer import Packer
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.engine.served_models_file import ModelEntry
from murnau_worker.engine.step_work import StepWork
from murnau_worker.families.family import FamilyModel
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.training.data.dataset import NamedPicture
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.state import RunIdentity, spec_hash

REPOSITORY = Path(__file__).resolve().parents[2]
SMALL_MODEL = REPOSITORY / "models" / "kandinsky-2.1-small"
EXAMPLES = REPOSITORY / "examples"


def open_kandinsky(entry: ModelEntry | Path = SMALL_MODEL) -> Kandinsky:
    """A Kandinsky 2.1 as a worker serves it; by itself the small model."""
    model = ServedModels({"benchmark": entry}).load("benchmark")
    assert isinstance(model, Kandinsky)
    return model


def pictures_of(concept: str) -> tuple[NamedPicture, ...]:
    """The sample pictures of a concept in examples/."""
    contents = [(path.name, path.read_bytes()) for path in sorted((EXAMPLES / concept).glob("*.png"))]
    return tuple(NamedPicture(hashlib.sha256(content).hexdigest(), name, content) for name, content in contents)


def make_run(
    model: FamilyModel, cache: DataCache, concept: str, *, state: bytes | None = None, **changes: Any
) -> TrainingRun:
    """A run on the sample pictures of a concept, at its start or as `state` left it."""
    values: dict[str, Any] = {
        "model": "benchmark",
        "placeholder_token": "sapsan",
        "initializer_token": "animal",
        "learning_rate_t1": 0.1,
        "learning_rate_t2": 0.1,
        "schedule_steps": 1000,
        "max_steps": 1000,
    }
    spec = flat_spec({**values, **changes})
    *_, data = cache.prepare(model, pictures_of(concept), spec)
    assert data is not None
    identity = RunIdentity(spec_hash(spec), model.fingerprint, data.latents.fingerprint, "benchmark")
    return TrainingRun(model, spec, data.latents, data.images, data.evaluator, identity, state)


def step(packer: Packer, runs: Sequence[TrainingRun]) -> None:
    """One optimizer step of each run, handed in together, from drawing its samples to moving its rows."""
    works = [StepWork(run) for run in runs]
    for work in works:
        packer.submit(work)
    over = 0
    while over < len(works):
        over += len(packer.tick())
    for run, work in zip(runs, works, strict=True):
        run.apply(work.gradients)
