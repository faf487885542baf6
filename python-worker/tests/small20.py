"""The goldens' Kandinsky 2.0 as a small model: its folder, specs of runs on it, and requests to draw with it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from golden_files import GOLDENS
from model_folders import linked_copy

from murnau_worker.core.spec import ConceptSpec, FamilyParameters, ObjectiveSpec, OptimizerSpec, TrainingSpec
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.families.kandinsky20.goldens import checked
from murnau_worker.families.kandinsky20.model import Kandinsky20

SOURCE = GOLDENS / "kandinsky-2.0"
WORD = "s"  # one of the few that both of its tokenizers know
SIDE = 64  # pixels


def write_small(folder: Path) -> Path:
    """A folder that says that the model draws small pictures."""
    linked_copy(SOURCE, folder)
    (folder / "murnau.yaml").write_text(f"image_size: {SIDE}\nnum_steps: 4\n")
    return folder


def load(folder: Path) -> Kandinsky20:
    return checked(ServedModels({"small": folder}).load("small"))


def small_spec(
    rates: dict[str, float], steps: int, *, num_vectors: int = 1, batch_size: int = 2, **changes: Any
) -> TrainingSpec:
    """Learning rates relative to the vocabulary's scale."""
    values: dict[str, Any] = {
        "model": "small",
        "concept": ConceptSpec(placeholder_token="sapsan", initializer_token=WORD, num_vectors=num_vectors),
        "objective": ObjectiveSpec(name="joint", parameters=FamilyParameters()),
        "optimizer": OptimizerSpec(
            learning_rates=rates, schedule="cosine", schedule_steps=steps, batch_size=batch_size
        ),
        "max_steps": steps,
        "seed": 5,
        "packing": "exclusive",
        "checkpoint_every_steps": 4,
    }
    return TrainingSpec(**{**values, **changes})
