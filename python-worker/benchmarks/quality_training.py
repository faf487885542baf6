"""Trains many runs in packs, as the engine does, and keeps what each has learnt in a folder.

A run that is kept already is not trained again, and a pack goes on from its newest states: a benchmark of hours may be
cut off at any time.
"""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from runs import make_run, step

from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.training.run import TrainingRun

_PACK_SAMPLES = 16  # of all runs trained together
_KEEP_EVERY_STEPS = 100


@dataclass(frozen=True)
class RunPlan:
    """One run of the benchmark. `name` is unique in its folder; `changes` are those of `make_run`."""

    name: str
    concept: str
    changes: dict[str, Any]


def write_whole(path: Path, content: bytes) -> None:
    """Writes a file that is either there whole or not at all."""
    part = path.with_suffix(".part")
    part.write_bytes(content)
    os.replace(part, path)


class Trainer:
    """Trains plans on one model and keeps embeddings and states in `folder`."""

    def __init__(self, model: Kandinsky, folder: Path) -> None:
        self._model = model
        self._folder = folder
        self._cache = DataCache()
        folder.mkdir(parents=True, exist_ok=True)

    def embedding_path(self, plan: RunPlan) -> Path:
        return self._folder / f"{plan.name}.safetensors"

    def adopt(self, plan: RunPlan, other: Trainer, its_plan: RunPlan) -> None:
        """Takes over what another trainer has kept of the same run under its own name."""
        write_whole(self.embedding_path(plan), other.embedding_path(its_plan).read_bytes())
        write_whole(self._gain_path(plan, None), other._gain_path(its_plan, None).read_bytes())

    def eval_gain(self, plan: RunPlan, step: int | None = None) -> float:
        """Of what a kept run had learnt at its end, or at a rung."""
        return float(json.loads(self._gain_path(plan, step).read_bytes()))

    def train(self, plans: Sequence[RunPlan], until_step: int | None = None) -> None:
        """Trains all plans to their ends, or to a rung, but those that are kept already.

        The plans of one call have the same batch size and number of steps: they step together.
        """
        missing = [plan for plan in plans if not self._gain_path(plan, until_step).exists()]
        if not missing:
            return
        size = max(1, _PACK_SAMPLES // int(missing[0].changes.get("batch_size", 1)))
        for start in range(0, len(missing), size):
            self._train_pack(missing[start : start + size], until_step)

    def _train_pack(self, plans: Sequence[RunPlan], until_step: int | None) -> None:
        runs = [self._run(plan) for plan in plans]
        packer = Packer(Capacities(_PACK_SAMPLES))
        while waiting := [run for run in runs if run.state.step < (until_step or run.spec.max_steps)]:
            step(packer, waiting)
            if waiting[0].state.step % _KEEP_EVERY_STEPS == 0:
                self._keep_states(plans, runs)
        self._keep_states(plans, runs)
        for plan, run in zip(plans, runs, strict=True):
            *_, metrics = run.evaluate()
            assert metrics is not None
            write_whole(self.embedding_path(plan), run.embedding_bytes())
            write_whole(self._gain_path(plan, until_step), json.dumps(metrics["eval_gain"]).encode())

    def _keep_states(self, plans: Sequence[RunPlan], runs: Sequence[TrainingRun]) -> None:
        for plan, run in zip(plans, runs, strict=True):
            write_whole(self._state_path(plan), run.state_bytes())
        print(f"{plans[0].name} and {len(plans) - 1} more: step {runs[0].state.step}", flush=True)

    def _gain_path(self, plan: RunPlan, step: int | None) -> Path:
        """Written last: what has it is trained so far."""
        return self._folder / (f"{plan.name}.gain" if step is None else f"{plan.name}.gain-{step}")

    def _state_path(self, plan: RunPlan) -> Path:
        return self._folder / f"{plan.name}.state"

    def _run(self, plan: RunPlan) -> TrainingRun:
        state = self._state_path(plan)
        return make_run(
            self._model, self._cache, plan.concept, state=state.read_bytes() if state.exists() else None, **plan.changes
        )
