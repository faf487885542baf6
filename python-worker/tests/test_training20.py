"""Words learnt in Kandinsky 2.0: each tower's rows by themselves, resumed to the same bytes, packed with neighbours."""

from __future__ import annotations

import pytest
import torch
from original_checkpoint20 import Original20Shape, write_original20_checkpoint
from run_tools import picture, step, step_together, tiny_run
from small20 import SIDE, load, small_spec, write_small

from murnau_worker.core.batch import Rows
from murnau_worker.families.kandinsky20.model import Kandinsky20
from murnau_worker.training.run import TrainingRun

STEPS = 40
DIRECTIONS = 20
RATES = {"t1": 0.1, "t2": 0.3}
NONE = 1e-9  # of a tower whose rows are to stay; none is refused
PICTURES = [picture(1, SIDE), picture(2, SIDE)]


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Kandinsky20:
    return load(write_small(tmp_path_factory.mktemp("small20") / "model"))


@pytest.fixture(scope="module")
def wide(tmp_path_factory: pytest.TempPathFactory) -> Kandinsky20:
    """Its first tower's rows have more numbers than the goldens' 32: of so few, chance finds much."""
    folder = tmp_path_factory.mktemp("wide20") / "model"
    write_original20_checkpoint(
        folder,
        Original20Shape(
            xlmr_width=256,
            xlmr_heads=4,
            mt5_width=64,
            unet_channels=(32, 64),
            unet_attends=(False, True),
            unet_resnets=1,
            vae_channels=(32, 32, 32, 32),
            vae_resnets=1,
        ),
    )
    (folder / "murnau.yaml").write_text(f"image_size: {SIDE}\n")
    return load(folder)


def eval_loss(run: TrainingRun, rows: Rows) -> float:
    found = None
    for losses in run.evaluator.losses(run.encoder, rows, "", "sapsan"):
        found = losses.mean if losses is not None else None
    assert found is not None
    return found


@pytest.mark.parametrize("tower", ["t1", "t2"])
def test_what_a_tower_learns_is_no_chance(model: Kandinsky20, wide: Kandinsky20, tower: str) -> None:
    """It lowers the eval loss by more than three times what rows moved as far in random directions change it."""
    model = wide if tower == "t1" else model
    rates = {name: rate if name == tower else NONE for name, rate in RATES.items()}
    run = tiny_run(model, small_spec(rates, STEPS, num_vectors=4, batch_size=8), pictures=PICTURES)
    before = {name: rows_RD.clone() for name, rows_RD in run.state.rows.items()}
    started = eval_loss(run, before)
    for _ in range(STEPS):
        step(run)
    after = run.state.rows
    gained = started - eval_loss(run, after)
    moved_RD = after[tower] - before[tower]
    generator = torch.Generator().manual_seed(0)
    changes: list[float] = []
    for _ in range(DIRECTIONS):
        direction_RD = torch.randn(moved_RD.shape, generator=generator)
        direction_RD *= moved_RD.norm() / direction_RD.norm()
        changes.append(abs(started - eval_loss(run, {**before, tower: before[tower] + direction_RD})))
    print(f"{tower}: {gained:.5f}, by chance at most {max(changes):.5f}")
    assert gained > 3 * max(changes)


def test_a_run_that_was_interrupted_ends_in_the_same_bytes(model: Kandinsky20) -> None:
    spec = small_spec(RATES, 6)
    whole, cut = (tiny_run(model, spec, pictures=PICTURES) for _ in range(2))
    for _ in range(6):
        step(whole)
    for _ in range(3):
        step(cut)
    resumed = tiny_run(model, spec, cut.state_bytes(), PICTURES)
    for _ in range(3):
        step(resumed)
    assert resumed.state_bytes() == whole.state_bytes()
    assert resumed.embedding_bytes() == whole.embedding_bytes()


def test_a_run_does_not_notice_what_it_is_packed_with(model: Kandinsky20) -> None:
    first, second = (small_spec(RATES, 3, seed=seed, packing="packed") for seed in (5, 6))
    alone = tiny_run(model, first, pictures=PICTURES)
    together = [tiny_run(model, spec, pictures=PICTURES) for spec in (first, second)]
    for _ in range(3):
        step(alone)
        step_together(*together)
    for tower, rows_RD in alone.state.rows.items():
        packed_RD = together[0].state.rows[tower]
        assert float((packed_RD - rows_RD).abs().max() / rows_RD.abs().max()) < 1e-3
        assert not torch.equal(rows_RD, together[1].state.rows[tower])


def test_its_rows_are_as_wide_as_its_towers(model: Kandinsky20) -> None:
    run = tiny_run(model, small_spec(RATES, 1), pictures=PICTURES)
    step(run)
    assert (
        {tower: rows_RD.shape[1] for tower, rows_RD in run.state.rows.items()} == model.widths == {"t1": 32, "t2": 512}
    )
