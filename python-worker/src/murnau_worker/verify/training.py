"""Three AdamW steps of the reference's training under both poolings, trained in one pack by the product's own step.

Legend: R rows (1), D row width.
"""

from __future__ import annotations

from typing import get_args

import torch

from murnau_worker.core.batch import Batch, Prompt
from murnau_worker.core.spec import Pooling, TrainingSpec
from murnau_worker.families.kandinsky21.condition import LATENT_CHANNELS, condition_on, predict
from murnau_worker.families.kandinsky21.losses import sampled_images
from murnau_worker.sampling.noising import add_noise
from murnau_worker.training.optimizer import TowerSetting, TrainedRows
from murnau_worker.training.shares import Share, StepGradients
from murnau_worker.training.state import RunState
from murnau_worker.training.step import apply, gradients
from murnau_worker.verify.golden_folder import GoldenFolder
from murnau_worker.verify.parts import Outputs

STEPS = 3
_RATE = 1e-4
_TOWERS = ("t1", "t2")
_POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


def _prompt(golden: GoldenFolder) -> Prompt:
    """The goldens' prompt without its pads."""
    t1_pad_id = golden.model.t1.pad_id
    t2_ids, t2_mask = golden["train.t2_ids"][0].tolist(), golden["train.t2_mask"][0].tolist()
    return {
        "t1": tuple(token for token in golden["train.t1_ids"][0].tolist() if token != t1_pad_id),
        "t2": tuple(token for token, is_token in zip(t2_ids, t2_mask, strict=True) if is_token),
    }


def _batch(golden: GoldenFolder, step: int, pooling: Pooling) -> Batch:
    prefix = f"train.step{step}"
    tensors = {
        "latents": golden["train.latents"],
        "noise": golden[f"{prefix}.noise"],
        "timesteps": golden[f"{prefix}.timestep"],
        "prior_init": golden[f"{prefix}.prior_init_noise"][:1],
        "prior_steps": golden[f"{prefix}.prior_step_noise"][:, :1].transpose(0, 1),
    }
    return Batch.of([_prompt(golden)], [pooling], tensors)


def _spec(pooling: Pooling) -> TrainingSpec:
    return TrainingSpec(
        model="golden",
        placeholder_token="sapsan",
        initializer_token="train",
        pooling=pooling,
        learning_rate_t1=_RATE,
        learning_rate_t2=_RATE,
        learning_rate_unit="absolute",
        weight_decay=1e-2,
        schedule_steps=STEPS,
        max_steps=STEPS,
    )


class _Run:
    """A run from the goldens' rows with one pooling."""

    def __init__(self, golden: GoldenFolder, pooling: Pooling) -> None:
        rows = {tower: golden[f"train.{tower}_row_init"][None] for tower in _TOWERS}
        self.golden = golden
        self.pooling: Pooling = pooling
        self.state = RunState({tower: TrainedRows(rows_RD) for tower, rows_RD in rows.items()})
        self._settings = {tower: TowerSetting(rows_RD, _RATE, 1.0) for tower, rows_RD in rows.items()}

    def share(self) -> Share:
        return Share("joint", self.state.rows, 1.0, _batch(self.golden, self.state.step, self.pooling))

    def forward(self) -> Outputs:
        """The sampled embedding and the predicted noise of the first step."""
        model, batch, rows = self.golden.model, _batch(self.golden, 0, self.pooling), self.state.rows
        given = batch.tensors
        with torch.no_grad():
            image_NE = sampled_images(model, batch, rows)
            condition = condition_on(model, batch, rows, image_NE)
            noised = add_noise(model.process, given["latents"], given["noise"], given["timesteps"])
            predicted = predict(model.unet, noised, given["timesteps"], condition)
        yield f"train.{self.pooling}.step0.image_embed", image_NE
        yield f"train.{self.pooling}.step0.pred", predicted[:, :LATENT_CHANNELS]

    def apply(self, gradients: StepGradients) -> Outputs:
        prefix = f"train.{self.pooling}.step{self.state.step}"
        for tower in _TOWERS:
            yield f"{prefix}.grad_{tower}", gradients.rows[tower][0]
        spec = _spec(self.pooling)
        metrics = apply(spec, self.state, self._settings, (self.state.step, spec.schedule_steps), gradients)
        yield f"{prefix}.loss", torch.tensor(metrics["train_loss"])
        for tower in _TOWERS:
            yield f"{prefix}.{tower}_row", self.state.towers[tower].rows_RD[0].clone()


def training(golden: GoldenFolder) -> Outputs:
    yield "train.latents", golden.model.encode_picture(golden["train.image"])
    runs = [_Run(golden, pooling) for pooling in _POOLINGS]
    for run in runs:
        yield from run.forward()
    for _ in range(STEPS):
        together = gradients(golden.model, [run.share() for run in runs])
        for run, of_run in zip(runs, together, strict=True):
            yield from run.apply(of_run)
