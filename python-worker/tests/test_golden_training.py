"""Three AdamW steps of the reference's training, both poolings: loss, gradients and rows, by the product's own step."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from golden_tools import Golden, read_golden

from murnau_worker.checkpoints.run_state import RunState
from murnau_worker.models.text_towers import Pooling
from murnau_worker.textual_inversion.objective import LearntPair, NoiseDraws, TrainingBatch, joint_gradients
from murnau_worker.textual_inversion.optimizer import AdamRows
from murnau_worker.textual_inversion.prompts import PromptBatch
from murnau_worker.textual_inversion.run import TowerSetting, apply_step
from murnau_worker.textual_inversion.spec import TrainingSpec


@pytest.fixture(scope="module")
def golden(goldens: Path) -> Golden:
    return read_golden(goldens / "kandinsky-2.1")


def batch_of(golden: Golden, step: int) -> TrainingBatch:
    return TrainingBatch(
        latents_NCHW=golden["train.latents"],
        prompts=PromptBatch(golden["train.t1_ids"], golden["train.t2_ids"][:1], golden["train.t2_mask"][:1]),
        draws=NoiseDraws(
            noise_NCHW=golden[f"train.step{step}.noise"],
            timesteps_N=golden[f"train.step{step}.timestep"],
            prior_init_NE=golden[f"train.step{step}.prior_init_noise"][:1],
            prior_steps_SNE=golden[f"train.step{step}.prior_step_noise"][:, :1],
        ),
    )


@pytest.mark.parametrize("pooling", ["argmax", "eot"])
def test_three_steps_of_the_reference(golden: Golden, pooling: Pooling) -> None:
    spec = TrainingSpec(
        model="golden",
        placeholder_token="sapsan",
        initializer_token="train",
        pooling=pooling,
        learning_rate_t1=1e-4,
        learning_rate_t2=1e-4,
        learning_rate_unit="absolute",
        weight_decay=1e-2,
        schedule_steps=3,
        max_steps=3,
    )
    t1_RD, t2_RD = golden["train.t1_row_init"][None], golden["train.t2_row_init"][None]
    settings = (TowerSetting(t1_RD, 1e-4, 1.0), TowerSetting(t2_RD, 1e-4, 1.0))
    state = RunState(AdamRows.starting_from(t1_RD), AdamRows.starting_from(t2_RD))
    model = golden.model
    for step in range(3):
        prefix = f"train.{pooling}.step{step}"
        batch = batch_of(golden, step)
        rows = LearntPair(state.t1.rows_RD, state.t2.rows_RD)
        gradients = joint_gradients(model, batch, rows, pooling, model.empty_text_keys())
        golden.check(f"{prefix}.grad_t1", gradients.t1_RD[0])
        golden.check(f"{prefix}.grad_t2", gradients.t2_RD[0])
        metrics = apply_step(model, spec, state, settings, batch)
        golden.check(f"{prefix}.loss", torch.tensor(metrics["train_loss"]))
        golden.check(f"{prefix}.t1_row", state.t1.rows_RD[0])
        golden.check(f"{prefix}.t2_row", state.t2.rows_RD[0])


def test_pictures_are_encoded_as_the_reference_encodes_them(golden: Golden) -> None:
    latents = golden.model.encode_picture(golden["train.image"])
    error = (latents - golden["train.latents"]).abs().max() / golden["train.latents"].abs().max()
    assert error <= golden.tolerances["movq.latents"]
