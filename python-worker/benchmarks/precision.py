"""What frozen weights in bf16 do to the gradients of the learnt rows, and what computing blocks again costs.

    npm run -s bench:precision [-- --steps 4]

The same samples go through the same model held in fp32 and in bf16 (rows are fp32 in both), phase by phase, on the
small model and on one of a reduced size with random weights. `cosine`: the least of all steps; `error`: the largest
|a-b| / |b|. Then the fp32 model's joint step with checkpointing and without, in interleaved pairs of processor time:
`checkpointing_cost` is how many times as long it takes. The last line is JSON.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from pairs import in_pairs
from reduced_model import write_reduced_model
from runs import SMALL_MODEL, make_run, open_kandinsky

from murnau_worker.engine.device_thread import set_up_torch
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.engine.served_models_file import Dtype, ModelEntry
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.models.checkpointing import Checkpointing
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.shares import Share
from murnau_worker.training.step import gradients as packed_gradients

CONCEPT = "purple-car"
PHASES: tuple[str, ...] = ("joint", "prior", "decoder")


def opened(folder: Path, dtype: Dtype, checkpointing: Checkpointing = "off") -> Kandinsky:
    entry = ModelEntry(path=folder, dtype=dtype, device="cpu", checkpointing=checkpointing)
    return open_kandinsky(entry)


def run_in(model: Kandinsky, phase: str) -> TrainingRun:
    """A run whose next steps are of the phase."""
    if phase == "joint":
        return make_run(model, DataCache(), CONCEPT)
    run = make_run(model, DataCache(), CONCEPT, objective="split", schedule_steps=1000, prior_share=0.5)
    if phase == "decoder":
        run.state.step = 500
    assert run.phase == phase
    return run


def shares_of(run: TrainingRun, steps: int) -> list[Share]:
    """Samples of steps one after the other, with the rows as they are."""
    shares: list[Share] = []
    for _ in range(steps):
        shares.append(run.share(range(1)))
        run.state.step += 1
    return shares


def gradients(model: Kandinsky, shares: Sequence[Share]) -> list[list[torch.Tensor | None]]:
    """Of t1 and t2, step by step."""
    found = [packed_gradients(model, [share])[0] for share in shares]
    return [[step.rows.get(tower) for step in found] for tower in ("t1", "t2")]


def compared(exact: Kandinsky, rounded: Kandinsky, phase: str, steps: int) -> dict[str, dict[str, float]]:
    """Least cosine and largest relative error of each row's gradients."""
    shares = shares_of(run_in(exact, phase), steps)
    result: dict[str, dict[str, float]] = {}
    for name, wanted, actual in zip(("t1", "t2"), gradients(exact, shares), gradients(rounded, shares), strict=True):
        pairs = [(a, b) for a, b in zip(actual, wanted, strict=True) if a is not None and b is not None]
        if not pairs:
            continue
        cosines = [float(torch.cosine_similarity(a.flatten(), b.flatten(), 0)) for a, b in pairs]
        errors = [float((a - b).norm() / b.norm()) for a, b in pairs]
        result[name] = {"cosine": round(min(cosines), 4), "error": round(max(errors), 4)}
    return result


def checkpointing_cost(folder: Path, rounds: int) -> float:
    """How many times as long a joint step takes with checkpointing."""
    models = [opened(folder, "float32", setting) for setting in ("on", "off")]
    [share] = shares_of(run_in(models[1], "joint"), 1)
    on, off = (lambda model=model: packed_gradients(model, [share]) for model in models)
    return 1 / in_pairs(lambda: _ignore(on()), lambda: _ignore(off()), rounds, time.process_time).ratio


def _ignore(_result: object) -> None: ...


def measure(name: str, folder: Path, steps: int) -> dict[str, Any]:
    exact, rounded = opened(folder, "float32"), opened(folder, "bfloat16")
    result: dict[str, Any] = {}
    for phase in PHASES:
        result[phase] = compared(exact, rounded, phase, steps)
        print(f"{name:8} {phase:8} {result[phase]}", flush=True)
    del exact, rounded
    result["checkpointing_cost"] = round(checkpointing_cost(folder, 7), 2)
    print(f"{name:8} checkpointing takes {result['checkpointing_cost']:.2f} times as long", flush=True)
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=4, help="samples of each phase")
    steps: int = parser.parse_args().steps
    set_up_torch(1)
    result = {"small": measure("small", SMALL_MODEL, steps)}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_reduced_model(folder)
        result["reduced"] = measure("reduced", folder, steps)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
