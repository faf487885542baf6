"""Where the plateau rule would have stopped six full runs on the small model, and what was learnt by then.

    npm run -s bench:plateau [-- --steps 1200 --every 25]

The runs train packed together to their last step with an evaluation every 25 steps; the rule (DVAR, as in the worker)
looks at what was known at each. `kept` is the decrease in eval loss, from the first words alone to the stop, as a share
of the decrease to the last evaluation of the full run. The last line is JSON: over all runs the least and mean `kept`,
the mean and the largest `fraction` of the steps, and how many runs the rule stopped at all (the others count whole).
"""

from __future__ import annotations

import argparse
import json
import os
from dataclasses import dataclass
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the worker

from quality_plans import DEFAULTS
from runs import make_run, open_kandinsky, step

from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.device_thread import set_up_torch
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.training.plateau import has_settled
from murnau_worker.training.state import Evaluation

CONCEPTS = ("owl", "octopus", "purple-car", "doughnut", "helicopter", "violin")


@dataclass(frozen=True)
class Stop:
    """Where the rule stopped a run. `kept`: share of the full run's decrease in eval loss."""

    step: int
    is_early: bool
    kept: float


def stop_of(before: float, evaluations: list[Evaluation]) -> Stop:
    """`before`: eval loss of the rows that the run began with."""
    last = evaluations[-1]
    places = range(1, len(evaluations) + 1)
    settled = next((evaluations[end - 1] for end in places if has_settled(evaluations[:end])), last)
    kept = (before - settled.eval_loss) / (before - last.eval_loss)
    return Stop(settled.step, settled.step < last.step, kept)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1200, help="steps of the full runs")
    parser.add_argument("--every", type=int, default=25, help="steps between evaluations")
    given = parser.parse_args()
    set_up_torch(2)
    model = open_kandinsky()
    cache, packer = DataCache(), Packer(Capacities())
    settings: dict[str, Any] = {**DEFAULTS, "max_steps": given.steps, "schedule_steps": given.steps}
    runs = [make_run(model, cache, concept, seed=seed, **settings) for seed, concept in enumerate(CONCEPTS)]
    for run in runs:
        list(run.evaluate())
    before = [run.state.evaluations.pop().eval_loss for run in runs]
    for number in range(1, given.steps + 1):
        step(packer, runs)
        if number % given.every == 0:
            for run in runs:
                list(run.evaluate())
    stops = [stop_of(loss, run.state.evaluations) for loss, run in zip(before, runs, strict=True)]
    for concept, run, loss, stop in zip(CONCEPTS, runs, before, stops, strict=True):
        print(
            f"{concept}: eval loss {loss:.4f} → {run.state.evaluations[-1].eval_loss:.4f} in {given.steps} steps; "
            f"{'stopped' if stop.is_early else 'not stopped'} at {stop.step} with {stop.kept:.1%} of the decrease"
        )
    fractions = [stop.step / given.steps for stop in stops]
    result = {
        "least_kept": round(min(stop.kept for stop in stops), 3),
        "mean_kept": round(sum(stop.kept for stop in stops) / len(stops), 3),
        "mean_fraction": round(sum(fractions) / len(fractions), 3),
        "largest_fraction": round(max(fractions), 3),
        "stopped": sum(stop.is_early for stop in stops),
        "runs": len(stops),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
