"""Objectives, optimizers, loss weights and dropout: what a step learns by, and that a resume goes on exactly."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, get_args

import pytest
import torch
from run_tools import step, step_together, tiny_run, tiny_spec

from murnau_worker.core.batch import Batch
from murnau_worker.core.spec import OptimizerName
from murnau_worker.families.kandinsky21.losses import PRIOR_TIMESTEPS
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.phases import phase_of
from murnau_worker.families.kandinsky21.processes import DECODER_PROCESS
from murnau_worker.sampling.noising import min_snr_weights
from murnau_worker.training.optimizer import schedule_factor
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.shares import Share
from murnau_worker.training.step import gradients as packed_gradients

CLOSE = 2e-5


def phases(**changes: Any) -> list[str]:
    spec = tiny_spec(**changes)
    return [phase_of(spec, step) for step in range(spec.max_steps)]


def test_split_trains_one_tower_after_the_other() -> None:
    assert phases(objective="split") == ["prior"] * 6 + ["decoder"] * 6
    assert phases(objective="split", prior_share=0.25) == ["prior"] * 3 + ["decoder"] * 9


def test_each_tower_has_at_least_one_split_step() -> None:
    for share in (0.001, 0.999):
        found = phases(objective="split", prior_share=share)
        assert {"prior", "decoder"} == set(found)


def test_warm_joint_ends_with_joint_steps() -> None:
    assert phases(objective="warm_joint", warm_steps=4) == ["prior"] * 2 + ["decoder"] * 2 + ["joint"] * 8


def test_extending_a_run_moves_no_phase() -> None:
    shorter, longer = phases(objective="split"), phases(objective="split", max_steps=20)
    assert longer[:12] == shorter
    assert set(longer[12:]) == {"decoder"}


def test_a_phase_moves_its_own_tower_only(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec(objective="split", schedule_steps=2, max_steps=2))
    t1_RD = run.state.rows["t1"].clone()
    metrics = step(run)
    assert torch.equal(run.state.rows["t1"], t1_RD)
    assert "learning_rate_t1" not in metrics
    t2_RD = run.state.rows["t2"].clone()
    metrics = step(run)
    assert torch.equal(run.state.rows["t2"], t2_RD)
    assert not torch.equal(run.state.rows["t1"], t1_RD)
    assert "learning_rate_t2" not in metrics
    assert (run.state.towers["t1"].updates, run.state.towers["t2"].updates) == (1, 1)


def test_the_prior_loss_falls(tiny: Kandinsky) -> None:
    """Over the same draws before and after, so that the drawn timesteps say nothing."""
    run = tiny_run(tiny, tiny_spec(objective="split", schedule_steps=200, max_steps=200, batch_size=4))
    [before] = packed_gradients(tiny, [run.share(range(4))])
    first = run.share(range(4)).batch
    for _ in range(40):
        step(run)
    assert run.phase == "prior"
    [after] = packed_gradients(tiny, [_with_samples(run, first)])
    assert after.loss < before.loss


def _with_samples(run: TrainingRun, batch: Batch) -> Share:
    return replace(run.share(range(4)), batch=batch)


def test_the_prior_phase_stays_at_high_noise(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec(objective="split", batch_size=64))
    samples = run.share(range(64)).batch
    assert "latents" not in samples.tensors
    timesteps = set(samples.tensors["timesteps"].tolist())
    assert timesteps <= set(PRIOR_TIMESTEPS)
    assert len(timesteps) > 32


def test_half_of_the_decoder_phase_is_given_what_the_learnt_word_samples(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec(objective="split", schedule_steps=2, max_steps=2, batch_size=64))
    step(run)
    samples = run.share(range(64)).batch
    assert "latents" in samples.tensors
    assert "image" in samples.tensors
    true = run.images.images_n2E.flatten(0, 1)
    own = sum(bool((true == given).all(1).any()) for given in samples.tensors["image"])
    assert 20 <= own <= 44


def test_runs_of_a_split_pack_get_what_they_get_alone(tiny: Kandinsky) -> None:
    runs = [
        tiny_run(tiny, tiny_spec(objective="split", seed=1, batch_size=1)),
        tiny_run(tiny, tiny_spec(objective="split", seed=2, batch_size=3, pooling="argmax")),
    ]
    assert runs[0].group == runs[1].group
    for _ in range(7):  # six of the prior's phase, then one of the decoder's
        shares = [run.share(range(run.spec.optimizer.batch_size)) for run in runs]
        for together, share in zip(packed_gradients(tiny, shares), shares, strict=True):
            [alone] = packed_gradients(tiny, [share])
            assert together.loss == pytest.approx(alone.loss, rel=CLOSE)
            assert set(together.rows) == set(alone.rows)
            for tower, other in alone.rows.items():
                assert float((together.rows[tower] - other).abs().max() / other.abs().max()) < CLOSE
        step_together(*runs)
    assert runs[0].phase == "decoder"


@pytest.mark.parametrize("objective", ["split", "warm_joint"])
def test_a_resumed_run_goes_on_exactly(tiny: Kandinsky, objective: str) -> None:
    spec = tiny_spec(objective=objective, warm_steps=4)
    whole = tiny_run(tiny, spec)
    for _ in range(spec.max_steps):
        step(whole)
    resumed = tiny_run(tiny, spec)
    for _ in range(spec.max_steps):
        resumed = tiny_run(tiny, spec, resumed.state_bytes())
        step(resumed)
    assert resumed.state_bytes() == whole.state_bytes()


@pytest.mark.parametrize("optimizer", get_args(OptimizerName))
def test_every_optimizer_learns_and_resumes(tiny: Kandinsky, optimizer: OptimizerName) -> None:
    spec = tiny_spec(optimizer=optimizer)
    whole = tiny_run(tiny, spec)
    start_RD = whole.state.rows["t1"].clone()
    for _ in range(4):
        step(whole)
    assert not torch.equal(whole.state.rows["t1"], start_RD)
    resumed = tiny_run(tiny, spec)
    for _ in range(4):
        step(resumed)
        resumed = tiny_run(tiny, spec, resumed.state_bytes())
    assert resumed.state_bytes() == whole.state_bytes()


def test_min_snr_weighs_little_noise_down() -> None:
    weights_N = min_snr_weights(DECODER_PROCESS, [0, 500, 999], 5.0)
    snr = DECODER_PROCESS.alpha_bar / (1 - DECODER_PROCESS.alpha_bar)
    assert weights_N.tolist() == pytest.approx([5.0 / snr[0], min(1.0, 5.0 / snr[500]), 1.0])


def test_a_weighted_sample_weighs_its_gradient(tiny: Kandinsky) -> None:
    plain = tiny_run(tiny, tiny_spec(batch_size=1))
    weighted = tiny_run(tiny, tiny_spec(batch_size=1, loss_weight="min_snr"))
    samples = plain.share(range(1)).batch
    assert "latents" in samples.tensors
    weight = float(min_snr_weights(DECODER_PROCESS, samples.tensors["timesteps"].tolist(), 5.0)[0])
    [one] = packed_gradients(tiny, [plain.share(range(1))])
    [other] = packed_gradients(tiny, [weighted.share(range(1))])
    assert other.loss == pytest.approx(weight * one.loss, rel=CLOSE)


def test_accumulating_is_a_larger_batch(tiny: Kandinsky) -> None:
    at_once = tiny_run(tiny, tiny_spec(batch_size=4))
    in_parts = tiny_run(tiny, tiny_spec(batch_size=2, gradient_accumulation_steps=2))
    for _ in range(3):
        step(at_once)
        step(in_parts)
    difference = (at_once.state.rows["t1"] - in_parts.state.rows["t1"]).norm() / at_once.state.rows["t1"].norm()
    assert float(difference) < 1e-4


def test_dropout_draws_by_the_seed_and_leaves_no_trace(tiny: Kandinsky) -> None:
    spec = tiny_spec(text_dropout=True)
    assert spec.is_exclusive
    torch.manual_seed(1)
    first = tiny_run(tiny, spec)
    step(first)
    after = torch.rand(1)
    torch.manual_seed(1)
    assert torch.equal(after, torch.rand(1)), "the generator that others use has moved"
    torch.manual_seed(2)
    again = tiny_run(tiny, spec)
    step(again)
    assert first.state_bytes() == again.state_bytes()
    plain = tiny_run(tiny, tiny_spec(packing="exclusive"))
    step(plain)
    assert not torch.equal(plain.state.rows["t1"], first.state.rows["t1"])


def test_warming_up_rises_to_the_schedule() -> None:
    factors = [schedule_factor("constant", done, 20, warmup_steps=4) for done in range(8)]
    assert factors == pytest.approx([0.2, 0.4, 0.6, 0.8, 1, 1, 1, 1])
