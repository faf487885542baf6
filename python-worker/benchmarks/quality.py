"""What is learnt, and in what time: the reference's way, our defaults, and the winner of a sweep of twelve trials.

    npm run -s bench:quality [-- --folder DIR] [--pictures 16]

On the small model, for twelve test concepts of examples/ and three seeds each. All ways train in our engine, in packs;
a pack changes nothing of what a run learns. What is learnt is kept in the folder, so that the benchmark goes on where
it was cut off. A judge that is no part of the model scores pictures with seeds that nothing was chosen by. Seconds are
of processor time of the run trained alone, from steps timed in interleaved turns with the other ways'.
The last line is JSON: of each way the mean `image_alignment`, `text_alignment`, `seconds` and `unet_samples` of a run
(`sweep`: of the sweep and its winner), and the 95 % intervals (paired bootstrap over concepts and seeds) of what our
defaults gain over the reference: `image_gain_ci`, `text_gain_ci`.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "2")
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as in the worker

import numpy as np
from quality_plans import (
    DEFAULTS,
    REFERENCE,
    SEEDS,
    Changes,
    Concept,
    run_plan,
    sweep_changes,
    test_concepts,
    unet_samples,
)
from quality_scores import Scores, scores_of
from quality_times import seconds_alone
from quality_training import RunPlan, Trainer
from runs import SMALL_MODEL

from murnau_worker.engine.device_thread import set_up_torch
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.families.embeddings import read_embedding
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.scoring.judge import Judge

FIRST_CHOOSING_SEED, FIRST_REPORTED_SEED = 7, 1007
CHOOSING_PICTURES = 8
RUNG = 30  # steps of a sweep's trials before all but the best stop
PROMOTED = 2


@dataclass(frozen=True)
class Bench:
    model: Kandinsky
    judge: Judge
    folder: Path
    pictures: int
    num_steps: int

    def trainer(self, way: str) -> Trainer:
        return Trainer(self.model, self.folder / way)

    def scores(self, trainer: Trainer, plan: RunPlan, concept: Concept, seeds: Sequence[int]) -> Scores:
        """Kept beside the embedding, since drawing takes longer than much of the training."""
        path = trainer.embedding_path(plan)
        kept = path.with_name(f"{path.stem}.scores-{seeds[0]}-{len(seeds)}-{self.num_steps}.json")
        if not kept.exists():
            embedding = read_embedding(path.read_bytes())
            found = scores_of(self.model, self.judge, embedding, concept.judge_class, seeds, self.num_steps)
            kept.write_text(json.dumps(vars(found)), "utf-8")
        return Scores(**json.loads(kept.read_text("utf-8")))

    def reported(self, trainer: Trainer, plans: Mapping[Concept, Sequence[RunPlan]]) -> list[Scores]:
        """Scores of every run, by concept and seed."""
        seeds = range(FIRST_REPORTED_SEED, FIRST_REPORTED_SEED + self.pictures)
        return [
            self.scores(trainer, plan, concept, seeds) for concept, of_concept in plans.items() for plan in of_concept
        ]


def train_and_score(bench: Bench, way: str, changes: Mapping[Concept, Changes]) -> list[Scores]:
    """One way of training on every concept and seed."""
    trainer = bench.trainer(way)
    plans = {
        concept: [run_plan(concept, seed, {**values, "seed": seed}) for seed in SEEDS]
        for concept, values in changes.items()
    }
    trainer.train([plan for of_concept in plans.values() for plan in of_concept])
    return bench.reported(trainer, plans)


def train_and_score_sweeps(bench: Bench) -> list[Scores]:
    """Of each concept twelve trials up to a rung and the best of them to the end; the winner again by other seeds."""
    trials, winners = bench.trainer("trials"), bench.trainer("sweep")
    plans = {
        concept: [
            run_plan(concept, SEEDS[0], changes, f"{concept.folder}-trial-{number:02}")
            for number, changes in enumerate(sweep_changes(concept))
        ]
        for concept in test_concepts()
    }
    trials.train([plan for of_concept in plans.values() for plan in of_concept], RUNG)
    promoted = {concept: best_at_rung(trials, of_concept) for concept, of_concept in plans.items()}
    trials.train([plan for of_concept in promoted.values() for plan in of_concept])
    chosen = {concept: winner(bench, trials, concept, of_concept) for concept, of_concept in promoted.items()}
    for concept, plan in chosen.items():
        winners.adopt(run_plan(concept, SEEDS[0], plan.changes), trials, plan)
    return train_and_score(bench, "sweep", {concept: plan.changes for concept, plan in chosen.items()})


def best_at_rung(trainer: Trainer, plans: Sequence[RunPlan]) -> list[RunPlan]:
    """Those that a sweep goes on with from its rung."""
    return sorted(plans, key=lambda plan: trainer.eval_gain(plan, RUNG), reverse=True)[:PROMOTED]


def winner(bench: Bench, trainer: Trainer, concept: Concept, plans: Sequence[RunPlan]) -> RunPlan:
    """Of the promoted, that with the best alignments over seeds that nothing is reported by."""
    seeds = range(FIRST_CHOOSING_SEED, FIRST_CHOOSING_SEED + CHOOSING_PICTURES)

    def alignment(plan: RunPlan) -> float:
        scores = bench.scores(trainer, plan, concept, seeds)
        return scores.image_alignment + scores.text_alignment

    best = max(plans, key=alignment)
    print(f"{concept.folder}: {best.name}, {best.changes}", flush=True)
    return best


def interval(gains: Sequence[float]) -> tuple[float, float]:
    """95 % interval of the mean by a bootstrap of 10,000 draws."""
    drawn = np.random.default_rng(7).choice(np.array(gains), (10_000, len(gains)))
    low, high = np.percentile(drawn.mean(1), [2.5, 97.5])
    return round(float(low), 4), round(float(high), 4)


def summary(scores: Sequence[Scores], seconds: float, samples: float) -> dict[str, float]:
    return {
        "image_alignment": round(float(np.mean([one.image_alignment for one in scores])), 4),
        "text_alignment": round(float(np.mean([one.text_alignment for one in scores])), 4),
        "seconds": round(seconds, 1),
        "unet_samples": round(samples),
    }


def print_concepts(ways: Mapping[str, Sequence[Scores]]) -> None:
    """A row for each concept: the mean of its seeds."""
    print("concept".ljust(18) + "".join(f"{way:>12}" for way in ways))
    for place, concept in enumerate(test_concepts()):
        rows = slice(place * len(SEEDS), (place + 1) * len(SEEDS))
        means = [np.mean([one.image_alignment for one in scores[rows]]) for scores in ways.values()]
        print(concept.folder.ljust(18) + "".join(f"{mean:12.3f}" for mean in means))


def compare(bench: Bench) -> dict[str, Any]:
    everywhere = test_concepts()
    reference = train_and_score(bench, "reference", dict.fromkeys(everywhere, REFERENCE))
    defaults = train_and_score(bench, "defaults", dict.fromkeys(everywhere, DEFAULTS))
    swept = train_and_score_sweeps(bench)
    print_concepts({"reference": reference, "defaults": defaults, "sweep": swept})
    trials = sweep_changes(everywhere[0])
    ways = {"reference": REFERENCE, "defaults": DEFAULTS, **{f"trial {n}": trial for n, trial in enumerate(trials)}}
    seconds = seconds_alone(bench.model, ways)
    # All trials up to the rung, and those that were promoted to the end: the winner is one of them.
    rung = RUNG / DEFAULTS["max_steps"]
    whole_runs = rung + (1 - rung) * PROMOTED / len(trials)
    of_sweep = whole_runs * sum(seconds[f"trial {number}"] for number in range(len(trials)))
    samples_of_sweep = whole_runs * sum(map(unet_samples, trials))
    return {
        "reference": summary(reference, seconds["reference"], unet_samples(REFERENCE)),
        "defaults": summary(defaults, seconds["defaults"], unet_samples(DEFAULTS)),
        "sweep": summary(swept, of_sweep, samples_of_sweep),
        "image_gain_ci": interval(
            [o.image_alignment - r.image_alignment for o, r in zip(defaults, reference, strict=True)]
        ),
        "text_gain_ci": interval(
            [o.text_alignment - r.text_alignment for o, r in zip(defaults, reference, strict=True)]
        ),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path(".bench-quality"), help="where what is learnt is kept")
    parser.add_argument("--pictures", type=int, default=16, help="pictures of each prompt and run (default 16)")
    parser.add_argument("--num-steps", type=int, default=0, help="decoder steps of a picture (default: the model's)")
    given = parser.parse_args()
    set_up_torch(2)
    models = ServedModels({"benchmark": SMALL_MODEL})
    model = models.load("benchmark")
    assert isinstance(model, Kandinsky)
    judge = models.judge("benchmark")
    assert judge is not None
    bench = Bench(model, judge, given.folder, given.pictures, given.num_steps)
    print(json.dumps(compare(bench)))


if __name__ == "__main__":
    main()
