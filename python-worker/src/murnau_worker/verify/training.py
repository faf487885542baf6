"""Three AdamW steps of the reference's training in each of its variants, trained in one pack by the product's own step.

Legend: R rows (1), D row width.
"""

from __future__ import annotations

import torch

from murnau_worker.core.batch import Batch
from murnau_worker.core.spec import ConceptSpec, FamilyParameters, ObjectiveSpec, OptimizerSpec, TrainingSpec
from murnau_worker.families.goldens import Outputs
from murnau_worker.training.optimizer import TowerSetting, TrainedRows
from murnau_worker.training.shares import Share, StepGradients
from murnau_worker.training.state import RunState
from murnau_worker.training.step import apply, gradients
from murnau_worker.verify.golden_folder import GoldenFolder

STEPS = 3
_RATE = 1e-4


def _spec(golden: GoldenFolder, parameters: FamilyParameters) -> TrainingSpec:
    return TrainingSpec(
        model="golden",
        concept=ConceptSpec(placeholder_token="sapsan", initializer_token="train"),
        objective=ObjectiveSpec(name=golden.sampled.phase, parameters=parameters),
        optimizer=OptimizerSpec(
            learning_rates=dict.fromkeys(golden.model.description.tower_names, _RATE),
            learning_rate_unit="absolute",
            weight_decay=1e-2,
            schedule_steps=STEPS,
        ),
        max_steps=STEPS,
    )


class _Run:
    """A run from the goldens' rows in one variant."""

    def __init__(self, golden: GoldenFolder, variant: str, parameters: FamilyParameters) -> None:
        towers = golden.model.description.tower_names
        rows = {tower: golden[f"train.{tower}_row_init"][None] for tower in towers}
        self.golden = golden
        self.spec = _spec(golden, parameters)
        self.state = RunState({tower: TrainedRows(rows_RD) for tower, rows_RD in rows.items()})
        self._variant = variant
        self._settings = {tower: TowerSetting(rows_RD, _RATE, 1.0) for tower, rows_RD in rows.items()}

    def _batch(self, step: int) -> Batch:
        golden, prefix = self.golden, f"train.step{step}"
        tensors = {
            "latents": golden["train.latents"],
            "noise": golden[f"{prefix}.noise"],
            "timesteps": golden[f"{prefix}.timestep"],
            **golden.sampled.training_noise(golden.tensors, step),
        }
        prompt = golden.sampled.training_prompt(golden.model, golden.tensors)
        return Batch.of([prompt], self.spec.pooling, tensors)

    def share(self) -> Share:
        return Share(self.golden.sampled.phase, self.state.rows, 1.0, self._batch(self.state.step))

    def forward(self) -> Outputs:
        """Of the first step."""
        golden = self.golden
        for name, output in golden.sampled.training_outputs(golden.model, self._batch(0), self.state.rows):
            yield f"train.{self._variant}.step0.{name}", output

    def apply(self, gradients: StepGradients) -> Outputs:
        prefix = f"train.{self._variant}.step{self.state.step}"
        for tower in self._settings:
            yield f"{prefix}.grad_{tower}", gradients.rows[tower][0]
        metrics = apply(self.spec, self.state, self._settings, (self.state.step, STEPS), gradients)
        yield f"{prefix}.loss", torch.tensor(metrics["train_loss"])
        for tower in self._settings:
            yield f"{prefix}.{tower}_row", self.state.towers[tower].rows_RD[0].clone()


def training(golden: GoldenFolder) -> Outputs:
    yield "train.latents", golden.model.encode_picture(golden["train.image"])
    runs = [_Run(golden, variant, parameters) for variant, parameters in golden.sampled.variants.items()]
    for run in runs:
        yield from run.forward()
    for _ in range(STEPS):
        together = gradients(golden.model, [run.share() for run in runs])
        for run, of_run in zip(runs, together, strict=True):
            yield from run.apply(of_run)
