"""Eight runs packed against the same eight one after the other, on the small model, in interleaved pairs.

    npm run -s bench:pack [-- --rounds 15]

Both ways go through the engine's packer; one after the other means that only one run waits at a time. Seconds are of
the wall, on two threads. `packed_ratio` and `packed_ratio_batch4` (last line, JSON) are how much longer the eight take
one after the other.
"""

from __future__ import annotations

import argparse
import json
import os
import time

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the worker

from pairs import Comparison, in_pairs
from runs import make_run, open_kandinsky, step

from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.device_thread import set_up_torch
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.prepared_data import DataCache
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.training.run import TrainingRun

CONCEPTS = ("owl", "octopus", "elephant", "lion", "turtle", "violin", "doughnut", "helicopter")


def eight_runs(model: Kandinsky, cache: DataCache, batch_size: int) -> list[TrainingRun]:
    return [
        make_run(model, cache, concept, seed=seed, batch_size=batch_size, packing="packed")
        for seed, concept in enumerate(CONCEPTS)
    ]


def compare(model: Kandinsky, cache: DataCache, batch_size: int, rounds: int) -> Comparison:
    """Steps two sets of the same runs, one packed and one not; they must end with the same rows."""
    capacities = Capacities()
    packer = Packer(capacities)
    together, apart = (eight_runs(model, cache, batch_size) for _ in range(2))

    def packed() -> None:
        step(packer, together)

    def one_after_the_other() -> None:
        for run in apart:
            step(packer, [run])

    result = in_pairs(packed, one_after_the_other, rounds, time.perf_counter)
    difference = max(
        float((one.state.rows["t1"] - other.state.rows["t1"]).norm() / other.state.rows["t1"].norm())
        for one, other in zip(together, apart, strict=True)
    )
    print(
        f"batch {batch_size}: 8 steps packed {result.first_s * 1e3:.0f} ms, one after the other "
        f"{result.second_s * 1e3:.0f} ms, ratio {result.ratio:.2f}; {capacities.known(together[0].group)} samples per "
        f"tick; rows differ by {difference:.1e} after {rounds + 1} steps"
    )
    return result


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15, help="pairs of each comparison")
    rounds: int = parser.parse_args().rounds
    set_up_torch(2)
    model = open_kandinsky()
    cache = DataCache()
    result = {
        "packed_ratio": round(compare(model, cache, 1, rounds).ratio, 3),
        "packed_ratio_batch4": round(compare(model, cache, 4, rounds).ratio, 3),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main()
