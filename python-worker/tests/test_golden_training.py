"""Three AdamW steps of the reference, both poolings: loss, gradients and rows, by the packed engine's path."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from golden_tools import Golden, read_golden

from murnau_worker.checkpoints.run_state import RunState
from murnau_worker.models.text_towers import Pooling
from murnau_worker.textual_inversion.batches import Samples
from murnau_worker.textual_inversion.objective import LearntPair, NoiseDraws
from murnau_worker.textual_inversion.optimizer import AdamRows
from murnau_worker.textual_inversion.pack import Share, StepGradients, packed_gradients
from murnau_worker.textual_inversion.prompts import PromptIds
from murnau_worker.textual_inversion.run import TowerSetting, apply_step
from murnau_worker.textual_inversion.spec import TrainingSpec


@pytest.fixture(scope="module")
def golden(goldens: Path) -> Golden:
    return read_golden(goldens / "kandinsky-2.1")


def ids_of(golden: Golden) -> PromptIds:
    """The golden's prompt without its pads."""
    t1_pad_id = golden.model.t1.pad_id
    t2_ids, t2_mask = golden["train.t2_ids"][0].tolist(), golden["train.t2_mask"][0].tolist()
    return PromptIds(
        t1=tuple(token for token in golden["train.t1_ids"][0].tolist() if token != t1_pad_id),
        t2=tuple(token for token, is_token in zip(t2_ids, t2_mask, strict=True) if is_token),
    )


def share_of(golden: Golden, step: int, rows: LearntPair, pooling: Pooling) -> Share:
    samples = Samples(
        latents_NCHW=golden["train.latents"],
        prompts=(ids_of(golden),),
        draws=NoiseDraws(
            noise_NCHW=golden[f"train.step{step}.noise"],
            timesteps_N=golden[f"train.step{step}.timestep"],
            prior_init_NE=golden[f"train.step{step}.prior_init_noise"][:1],
            prior_steps_SNE=golden[f"train.step{step}.prior_step_noise"][:, :1],
        ),
    )
    return Share(rows, pooling, 1.0, samples)


class GoldenRun:
    """A run from the golden's rows with one pooling, stepped with gradients from a pack."""

    def __init__(self, golden: Golden, pooling: Pooling) -> None:
        t1_RD, t2_RD = golden["train.t1_row_init"][None], golden["train.t2_row_init"][None]
        self.golden = golden
        self.pooling: Pooling = pooling
        self.state = RunState(AdamRows.starting_from(t1_RD), AdamRows.starting_from(t2_RD))
        self.settings = (TowerSetting(t1_RD, 1e-4, 1.0), TowerSetting(t2_RD, 1e-4, 1.0))
        self.spec = TrainingSpec(
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

    def share(self) -> Share:
        rows = LearntPair(self.state.t1.rows_RD, self.state.t2.rows_RD)
        return share_of(self.golden, self.state.step, rows, self.pooling)

    def apply_and_check(self, gradients: StepGradients) -> None:
        golden, state = self.golden, self.state
        prefix = f"train.{self.pooling}.step{state.step}"
        golden.check(f"{prefix}.grad_t1", gradients.t1_RD[0])
        golden.check(f"{prefix}.grad_t2", gradients.t2_RD[0])
        metrics = apply_step(self.spec, state, self.settings, gradients)
        golden.check(f"{prefix}.loss", torch.tensor(metrics["train_loss"]))
        golden.check(f"{prefix}.t1_row", state.t1.rows_RD[0])
        golden.check(f"{prefix}.t2_row", state.t2.rows_RD[0])


@pytest.mark.parametrize("poolings", [("argmax",), ("eot",), ("argmax", "eot")], ids=" and ".join)
def test_three_steps_of_the_reference(golden: Golden, poolings: tuple[Pooling, ...]) -> None:
    """Alone, and both in one pack."""
    runs = [GoldenRun(golden, pooling) for pooling in poolings]
    for _ in range(3):
        results = packed_gradients(golden.model, [run.share() for run in runs])
        for run, gradients in zip(runs, results, strict=True):
            run.apply_and_check(gradients)


def test_pictures_are_encoded_as_the_reference_encodes_them(golden: Golden) -> None:
    latents = golden.model.encode_picture(golden["train.image"])
    error = (latents - golden["train.latents"]).abs().max() / golden["train.latents"].abs().max()
    assert error <= golden.tolerances["movq.latents"]
