"""A run's arithmetic: resuming gives the same bytes, rules of norm and rate hold, states of other runs are refused."""

from __future__ import annotations

import dataclasses

import pytest
import torch
from run_tools import encoded, picture, step, tiny_run, tiny_spec

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.training.data.dataset import NamedPicture
from murnau_worker.training.optimizer import schedule_factor
from murnau_worker.training.state import read_state, write_state


def test_resuming_at_any_step_ends_in_the_same_bytes(tiny: Kandinsky) -> None:
    spec = tiny_spec()
    whole = tiny_run(tiny, spec)
    losses: list[float] = []
    states: list[bytes] = []
    for number in range(8):
        losses.append(step(whole)["train_loss"])
        if number == 3:
            list(whole.evaluate())
        states.append(whole.state_bytes())
    for killed_at in (1, 3, 4, 7):
        resumed = tiny_run(tiny, spec, states[killed_at - 1])
        for number in range(killed_at, 8):
            assert step(resumed)["train_loss"] == losses[number]
            if number == 3:
                list(resumed.evaluate())
        assert resumed.state_bytes() == states[-1]
        assert resumed.embedding_bytes() == whole.embedding_bytes()


def test_only_the_learnt_rows_change_and_only_they_get_gradients(tiny: Kandinsky) -> None:
    before = tiny.t2.rows.weight.clone()
    run = tiny_run(tiny, tiny_spec())
    initial = run.state.rows["t2"].clone()
    metrics = step(run)
    assert torch.equal(before, tiny.t2.rows.weight)
    assert not torch.equal(initial, run.state.rows["t2"])
    assert metrics["grad_norm_t1"] > 0
    assert metrics["grad_norm_t2"] > 0
    assert all(parameter.grad is None for parameter in tiny.unet.parameters())


def test_vocabulary_norm_is_kept(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec(norm="vocabulary", learning_rate_t1=1.0, learning_rate_t2=1.0))
    metrics = [step(run) for _ in range(3)][-1]
    assert metrics["norm_t1"] == pytest.approx(run.settings["t1"].median_norm, rel=1e-5)
    assert metrics["norm_t2"] == pytest.approx(run.settings["t2"].median_norm, rel=1e-5)


def test_relative_rates_are_multiples_of_the_vocabulary_rms(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec(learning_rate_t1=0.5, schedule="constant"))
    table = tiny.t1.rows.weight
    assert step(run)["learning_rate_t1"] == pytest.approx(0.5 * float(table.square().mean().sqrt()), rel=1e-5)
    absolute = tiny_run(tiny, tiny_spec(learning_rate_t1=0.5, learning_rate_unit="absolute", schedule="constant"))
    assert step(absolute)["learning_rate_t1"] == 0.5


@pytest.mark.parametrize("schedule", ["constant", "cosine", "linear"])
def test_schedules_start_at_the_peak_and_do_not_rise(schedule: str) -> None:
    factors = [schedule_factor(schedule, done, 10) for done in range(13)]
    assert factors[0] == 1.0
    assert factors == sorted(factors, reverse=True)
    assert min(factors) >= 0.0


def test_evaluations_depend_on_the_dataset_and_not_on_the_run(tiny: Kandinsky) -> None:
    def first_loss(seed: int) -> float:
        run = tiny_run(tiny, tiny_spec(seed=seed))
        list(run.evaluate())
        return run.state.evaluations[0].eval_loss

    assert first_loss(1) == first_loss(2)


def test_a_state_of_another_run_is_refused(tiny: Kandinsky) -> None:
    state = tiny_run(tiny, tiny_spec()).state_bytes()
    for changed in (tiny_spec(seed=6), tiny_spec(learning_rate_t1=0.2), tiny_spec(initializer_token="cat")):
        with pytest.raises(WorkerError, match="another spec") as refused:
            tiny_run(tiny, changed, state)
        assert refused.value.code == "checkpoint.corrupt"


def test_a_state_of_other_weights_says_that_the_model_changed(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec())
    other = dataclasses.replace(run.identity, model_fingerprint="0" * 64)
    shapes = {tower: setting.initial_RD.shape for tower, setting in run.settings.items()}
    with pytest.raises(WorkerError) as refused:
        read_state(write_state(run.state, other), run.identity, shapes, "adamw")
    assert refused.value.code == "model.changed"


def test_a_run_may_be_extended(tiny: Kandinsky) -> None:
    state = tiny_run(tiny, tiny_spec()).state_bytes()
    assert tiny_run(tiny, tiny_spec(max_steps=24), state).state.step == 0


@pytest.mark.parametrize("damage", [b"", b"nonsense", b"\x08" * 100])
def test_a_corrupt_state_is_refused(tiny: Kandinsky, damage: bytes) -> None:
    with pytest.raises(WorkerError) as refused:
        tiny_run(tiny, tiny_spec(), damage)
    assert refused.value.code == "checkpoint.corrupt"


def test_a_state_that_lacks_a_moment_of_the_optimizer_is_refused(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec())
    step(run)
    state = run.state_bytes()
    assert b"t2.optimizer.exp_avg_sq" in state
    with pytest.raises(WorkerError) as refused:
        tiny_run(tiny, tiny_spec(), state.replace(b"t2.optimizer.exp_avg_sq", b"t2.optimizer.exp_avg_sx"))
    assert refused.value.code == "checkpoint.corrupt"


def test_a_truncated_state_is_refused(tiny: Kandinsky) -> None:
    state = tiny_run(tiny, tiny_spec()).state_bytes()
    for length in (len(state) - 1, len(state) // 2, 9):
        with pytest.raises(WorkerError) as refused:
            tiny_run(tiny, tiny_spec(), state[:length])
        assert refused.value.code == "checkpoint.corrupt"


def test_a_picture_is_encoded_alone(tiny: Kandinsky) -> None:
    together = encoded(tiny, [picture(1), picture(2)])
    alone = encoded(tiny, [picture(2)])
    assert all(torch.equal(together.latent(1, flipped), alone.latent(0, flipped)) for flipped in (0, 1))


def test_a_text_file_is_no_picture(tiny: Kandinsky) -> None:
    with pytest.raises(WorkerError) as refused:
        encoded(tiny, [picture(1), NamedPicture("0" * 64, "notes.jpg", b"these are notes\n")])
    assert refused.value.code == "image.unreadable"
    assert refused.value.given == "notes.jpg"
    assert "notes.jpg" in refused.value.message
