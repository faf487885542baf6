"""Three AdamW steps of the reference's training under both poolings, trained in one pack by the product's own step.

Legend: R rows (1), D row width.
"""

from __future__ import annotations

from typing import get_args

import torch

from murnau_worker.core.batch import DecoderSamples, LearntPair, NoiseDraws, PromptBatch, PromptIds, TrainingBatch
from murnau_worker.core.spec import Pooling, TrainingSpec
from murnau_worker.families.kandinsky21.condition import LATENT_CHANNELS, condition_on, predict
from murnau_worker.sampling.noising import add_noise
from murnau_worker.training.optimizer import TrainedRows
from murnau_worker.training.state import RunState
from murnau_worker.training.step import Share, StepGradients, TowerSetting, apply_step, packed_gradients
from murnau_worker.verify.golden_folder import GoldenFolder
from murnau_worker.verify.parts import Outputs

STEPS = 3
_RATE = 1e-4
_POOLINGS: tuple[Pooling, ...] = get_args(Pooling)


def _prompt(golden: GoldenFolder) -> PromptIds:
    """The goldens' prompt without its pads."""
    t1_pad_id = golden.model.t1.pad_id
    t2_ids, t2_mask = golden["train.t2_ids"][0].tolist(), golden["train.t2_mask"][0].tolist()
    return PromptIds(
        t1=tuple(token for token in golden["train.t1_ids"][0].tolist() if token != t1_pad_id),
        t2=tuple(token for token, is_token in zip(t2_ids, t2_mask, strict=True) if is_token),
    )


def _draws(golden: GoldenFolder, step: int) -> NoiseDraws:
    prefix = f"train.step{step}"
    return NoiseDraws(
        noise_NCHW=golden[f"{prefix}.noise"],
        timesteps_N=golden[f"{prefix}.timestep"],
        prior_init_NE=golden[f"{prefix}.prior_init_noise"][:1],
        prior_steps_SNE=golden[f"{prefix}.prior_step_noise"][:, :1],
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


class _Run:
    """A run from the goldens' rows with one pooling."""

    def __init__(self, golden: GoldenFolder, pooling: Pooling) -> None:
        t1_RD, t2_RD = golden["train.t1_row_init"][None], golden["train.t2_row_init"][None]
        self.golden = golden
        self.pooling: Pooling = pooling
        self.state = RunState(TrainedRows(t1_RD), TrainedRows(t2_RD))
        self._settings = (TowerSetting(t1_RD, _RATE, 1.0), TowerSetting(t2_RD, _RATE, 1.0))

    @property
    def rows(self) -> LearntPair:
        return LearntPair(self.state.t1.rows_RD, self.state.t2.rows_RD)

    def share(self) -> Share:
        golden = self.golden
        samples = DecoderSamples(golden["train.latents"], (_prompt(golden),), _draws(golden, self.state.step))
        return Share(self.rows, self.pooling, 1.0, samples)

    def forward(self) -> Outputs:
        """The sampled embedding and the predicted noise of the first step."""
        model, draws = self.golden.model, _draws(self.golden, 0)
        prompts = PromptBatch(
            self.golden["train.t1_ids"], self.golden["train.t2_ids"][:1], self.golden["train.t2_mask"][:1]
        )
        with torch.no_grad():
            batch = TrainingBatch(self.golden["train.latents"], prompts, draws)
            condition = condition_on(model, batch, self.rows, [self.pooling])
            noised = add_noise(batch.latents_NCHW, draws.noise_NCHW, draws.timesteps_N)
            predicted = predict(model.unet, noised, draws.timesteps_N, condition)
        yield f"train.{self.pooling}.step0.image_embed", condition.image_NE
        yield f"train.{self.pooling}.step0.pred", predicted[:, :LATENT_CHANNELS]

    def apply(self, gradients: StepGradients) -> Outputs:
        prefix = f"train.{self.pooling}.step{self.state.step}"
        assert gradients.t1_RD is not None
        assert gradients.t2_RD is not None
        yield f"{prefix}.grad_t1", gradients.t1_RD[0]
        yield f"{prefix}.grad_t2", gradients.t2_RD[0]
        metrics = apply_step(_spec(self.pooling), self.state, self._settings, gradients)
        yield f"{prefix}.loss", torch.tensor(metrics["train_loss"])
        yield f"{prefix}.t1_row", self.state.t1.rows_RD[0].clone()
        yield f"{prefix}.t2_row", self.state.t2.rows_RD[0].clone()


def training(golden: GoldenFolder) -> Outputs:
    yield "train.latents", golden.model.encode_picture(golden["train.image"])
    runs = [_Run(golden, pooling) for pooling in _POOLINGS]
    for run in runs:
        yield from run.forward()
    for _ in range(STEPS):
        gradients = packed_gradients(golden.model, [run.share() for run in runs])
        for run, of_run in zip(runs, gradients, strict=True):
            yield from run.apply(of_run)
