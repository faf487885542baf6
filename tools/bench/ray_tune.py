"""Trials of a few trivial steps, each with a checkpoint at its end, by Ray Tune: python ray_tune.py TRIALS CONCURRENCY STEPS STEP_MS.

Prints milliseconds per trial, with and without reused actors, as JSON.
"""

import json
import os
import sys
import tempfile
import time

import ray
from ray import tune


class Trivial(tune.Trainable):
    """Sleeps as the simulated device does, reports each step, and saves a few bytes at the end."""

    def setup(self, config: dict) -> None:
        self.config = config

    def reset_config(self, new_config: dict) -> bool:
        self.config = new_config
        return True

    def step(self) -> dict:
        time.sleep(self.config["step_s"])
        return {"loss": 1 / (self.iteration + 1), "done": self.iteration + 1 >= self.config["steps"]}

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        with open(os.path.join(checkpoint_dir, "state"), "w") as file:
            file.write(str(self.iteration))

    def load_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing is resumed here."""


def measure(trials: int, concurrency: int, steps: int, step_ms: float, *, reuse: bool) -> float:
    with tempfile.TemporaryDirectory() as folder:
        tuner = tune.Tuner(
            tune.with_resources(Trivial, {"cpu": 1}),
            param_space={"seed": tune.grid_search(list(range(trials))), "steps": steps, "step_s": step_ms / 1000},
            tune_config=tune.TuneConfig(max_concurrent_trials=concurrency, reuse_actors=reuse),
            run_config=tune.RunConfig(
                storage_path=folder,
                verbose=0,
                checkpoint_config=tune.CheckpointConfig(checkpoint_at_end=True),
            ),
        )
        begin = time.perf_counter()
        results = tuner.fit()
        assert len(results) == trials and results.num_errors == 0
        return (time.perf_counter() - begin) * 1000 / trials


def main() -> None:
    trials, concurrency, steps = (int(given) for given in sys.argv[1:4])
    step_ms = float(sys.argv[4])
    ray.init(num_cpus=concurrency, include_dashboard=False, logging_level="error", log_to_driver=False)
    measure(concurrency, concurrency, steps, step_ms, reuse=True)
    figures = {
        "reused_actors": round(measure(trials, concurrency, steps, step_ms, reuse=True), 1),
        "new_actors": round(measure(trials, concurrency, steps, step_ms, reuse=False), 1),
    }
    print(json.dumps(figures))


main()
