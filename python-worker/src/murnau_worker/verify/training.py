"""Three AdamW steps of the reference's training under both poolings, by the product's own step.

Legend: R rows (1), D row width.
"""

from __future__ import annotations

from typing import get_args

import torch

from murnau_worker.checkpoints.run_state import RunState
from murnau_worker.models.text_towers import Pooling
from murnau_worker.sampling.decoder import LATENT_CHANNELS, predict
from murnau_worker.textual_inversion.objective import (
    LearntPair,
    NoiseDraws,
    TrainingBatch,
    add_noise,
    condition_on,
    joint_gradients,
)
from murnau_worker.textual_inversion.optimizer import AdamRows
from murnau_worker.textual_inversion.prompts import PromptBatch
from murnau_worker.textual_inversion.run import TowerSetting, apply_step
from murnau_worker.textual_inversion.spec import TrainingSpec
from murnau_worker.verify.golden_folder import GoldenFolder
from murnau_worker.verify.parts import Outputs

STEPS = 3
_RATE = 1e-4
_POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


def _batch(golden: GoldenFolder, step: int) -> TrainingBatch:
    prefix = f"train.step{step}"
    return TrainingBatch(
        latents_NCHW=golden["train.latents"],
        prompts=PromptBatch(golden["train.t1_ids"], golden["train.t2_ids"][:1], golden["train.t2_mask"][:1]),
        draws=NoiseDraws(
            noise_NCHW=golden[f"{prefix}.noise"],
            timesteps_N=golden[f"{prefix}.timestep"],
            prior_init_NE=golden[f"{prefix}.prior_init_noise"][:1],
            prior_steps_SNE=golden[f"{prefix}.prior_step_noise"][:, :1],
        ),
    )


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


def _forward(golden: GoldenFolder, batch: TrainingBatch, rows: LearntPair, pooling: Pooling, prefix: str) -> Outputs:
    """The sampled embedding and the predicted noise of the first step."""
    model = golden.model
    with torch.no_grad():
        condition = condition_on(model, batch.prompts, rows, pooling, batch.draws, model.empty_text_keys())
        noised = add_noise(batch.latents_NCHW, batch.draws.noise_NCHW, batch.draws.timesteps_N)
        predicted = predict(model.unet, noised, batch.draws.timesteps_N, condition)
    yield f"{prefix}.image_embed", condition.image_NE
    yield f"{prefix}.pred", predicted[:, :LATENT_CHANNELS]


def _run(golden: GoldenFolder, pooling: Pooling) -> Outputs:
    model, spec = golden.model, _spec(pooling)
    t1_RD, t2_RD = golden["train.t1_row_init"][None], golden["train.t2_row_init"][None]
    settings = (TowerSetting(t1_RD, _RATE, 1.0), TowerSetting(t2_RD, _RATE, 1.0))
    state = RunState(AdamRows.starting_from(t1_RD), AdamRows.starting_from(t2_RD))
    for step in range(STEPS):
        prefix = f"train.{pooling}.step{step}"
        batch = _batch(golden, step)
        rows = LearntPair(state.t1.rows_RD, state.t2.rows_RD)
        if step == 0:
            yield from _forward(golden, batch, rows, pooling, prefix)
        gradients = joint_gradients(model, batch, rows, pooling, model.empty_text_keys())
        yield f"{prefix}.grad_t1", gradients.t1_RD[0]
        yield f"{prefix}.grad_t2", gradients.t2_RD[0]
        metrics = apply_step(model, spec, state, settings, batch)
        yield f"{prefix}.loss", torch.tensor(metrics["train_loss"])
        yield f"{prefix}.t1_row", state.t1.rows_RD[0].clone()
        yield f"{prefix}.t2_row", state.t2.rows_RD[0].clone()


def training(golden: GoldenFolder) -> Outputs:
    yield "train.latents", golden.model.encode_picture(golden["train.image"])
    for pooling in _POOLINGS:
        yield from _run(golden, pooling)
