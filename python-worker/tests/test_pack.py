"""Several runs in one batch: each gets the gradients that it gets alone, whatever its neighbours are."""

from __future__ import annotations

import pytest
import torch
from run_tools import tiny_run, tiny_spec

from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.shares import Share, StepGradients
from murnau_worker.training.step import gradients as packed_gradients

CLOSE = 2e-5  # relative: floating-point noise of other batch sizes


def different_runs(tiny: Kandinsky) -> list[TrainingRun]:
    """Runs that differ in all that may differ within a pack."""
    return [
        tiny_run(tiny, tiny_spec(seed=1, batch_size=1)),
        tiny_run(tiny, tiny_spec(seed=2, batch_size=3, pooling="argmax", placeholder_token="pendolino")),
        tiny_run(tiny, tiny_spec(seed=3, batch_size=2, templates="style", initializer_token="cat")),
    ]


def runs_of_several_vectors(tiny: Kandinsky) -> list[TrainingRun]:
    """Runs of 2, 1, 4 and 2 vectors, from a phrase and from words."""
    return [
        tiny_run(tiny, tiny_spec(seed=1, num_vectors=2, initializer_token="red train")),
        tiny_run(tiny, tiny_spec(seed=2, batch_size=1, placeholder_token="pendolino")),
        tiny_run(tiny, tiny_spec(seed=3, num_vectors=4, pooling="argmax", initializer_token="cat")),
        tiny_run(tiny, tiny_spec(seed=4, num_vectors=2, initializer_t1="blue bird", norm="vocabulary")),
    ]


def whole_share(run: TrainingRun) -> Share:
    return run.share(range(run.spec.optimizer.batch_size))


def check_close(actual: StepGradients, wanted: StepGradients) -> None:
    assert actual.loss == pytest.approx(wanted.loss, rel=CLOSE)
    assert set(actual.rows) == set(wanted.rows)
    for tower, other in wanted.rows.items():
        assert float((actual.rows[tower] - other).abs().max() / other.abs().max()) < CLOSE


def test_a_packed_share_gets_what_it_gets_alone(tiny: Kandinsky) -> None:
    shares = [whole_share(run) for run in different_runs(tiny)]
    for together, share in zip(packed_gradients(tiny, shares), shares, strict=True):
        [alone] = packed_gradients(tiny, [share])
        check_close(together, alone)


def test_runs_of_several_vectors_get_what_they_get_alone(tiny: Kandinsky) -> None:
    runs = runs_of_several_vectors(tiny)
    shares = [whole_share(run) for run in runs]
    for run, together, share in zip(runs, packed_gradients(tiny, shares), shares, strict=True):
        [alone] = packed_gradients(tiny, [share])
        assert set(together.rows) == {"t1", "t2"}
        assert set(alone.rows) == {"t1", "t2"}
        for tower, width in tiny.widths.items():
            packed_RD, alone_RD = together.rows[tower], alone.rows[tower]
            assert packed_RD.shape == (run.spec.concept.num_vectors, width)
            assert bool((packed_RD.abs().amax(1) > 0).all()), "each vector of a run is read"
            assert float((packed_RD - alone_RD).abs().max() / alone_RD.abs().max()) < 1e-5


def test_parts_of_a_batch_add_up_to_it(tiny: Kandinsky) -> None:
    run = different_runs(tiny)[1]
    [whole] = packed_gradients(tiny, [whole_share(run)])
    first, second = packed_gradients(tiny, [run.share(range(1)), run.share(range(1, 3))])
    check_close(first + second, whole)


def test_a_diverged_neighbour_harms_nobody(tiny: Kandinsky) -> None:
    runs = different_runs(tiny)
    [alone] = packed_gradients(tiny, [whole_share(runs[2])])
    for run in runs[:2]:
        run.state.rows["t1"].fill_(torch.nan)
        run.state.rows["t2"].fill_(torch.inf)
    *diverged, healthy = packed_gradients(tiny, [whole_share(run) for run in runs])
    check_close(healthy, alone)
    for gradients in diverged:
        assert "t2" in gradients.rows
        assert not gradients.rows["t2"].isfinite().all()


def test_asking_again_for_a_share_gives_the_same(tiny: Kandinsky) -> None:
    run = different_runs(tiny)[1]
    first, again = run.share(range(1, 3)).batch, run.share(range(1, 3)).batch
    assert set(first.tensors) == set(again.tensors)
    assert {"latents", "noise"} <= set(first.tensors)
    assert torch.equal(first.tensors["noise"], again.tensors["noise"])
    assert torch.equal(first.tensors["latents"], again.tensors["latents"])
    assert first.prompts == again.prompts
