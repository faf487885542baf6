"""The packer: who is computed with whom, out of memory, errors of one run, measured capacity."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import pytest
import torch
from run_tools import step, step_together, tiny_run, tiny_spec

from murnau_worker.core.errors import WorkerError
from murnau_worker.engine.capacity import (
    HARDLY_LONGER,
    LARGEST_ON_CPU,
    LARGEST_ON_CUDA,
    LONGEST_TICK_S,
    SHORTAGE_S,
    Capacities,
    ComputeSamples,
    CudaProbe,
    ThroughputProbe,
    samples_that_fit,
)
from murnau_worker.engine.packer import Compute, Packer
from murnau_worker.engine.served_models import ServedModels
from murnau_worker.engine.served_models_file import ModelEntry
from murnau_worker.engine.step_work import StepWork, share_out
from murnau_worker.families.family import FamilyModel
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.training.run import TrainingRun
from murnau_worker.training.shares import PackGroup, Share, StepGradients
from murnau_worker.training.step import gradients as packed_gradients


class Recorder:
    """Computes like the engine and notes how many samples of how many runs each batch had."""

    def __init__(self, limit: int = 1000) -> None:
        self.limit = limit
        self.batches: list[list[int]] = []

    def __call__(self, model: FamilyModel, shares: Sequence[Share]) -> list[StepGradients]:
        sizes = [len(share.batch) for share in shares]
        if sum(sizes) > self.limit:
            raise torch.OutOfMemoryError("injected")
        self.batches.append(sizes)
        return packed_gradients(model, shares)


def run_of(tiny: FamilyModel, batch_size: int, **changes: Any) -> TrainingRun:
    return tiny_run(tiny, tiny_spec(**{"packing": "packed", "batch_size": batch_size, **changes}))


def packer(compute: Compute, max_samples: int = 16) -> Packer:
    return Packer(Capacities(max_samples), compute)


def test_runs_that_wait_together_are_computed_together(tiny: Kandinsky) -> None:
    recorder = Recorder()
    step_together(run_of(tiny, 1), run_of(tiny, 3), run_of(tiny, 2), packer=packer(recorder))
    assert recorder.batches == [[1, 3, 2]]


def test_runs_that_differ_in_prior_steps_are_not(tiny: Kandinsky) -> None:
    recorder = Recorder()
    step_together(run_of(tiny, 1), run_of(tiny, 2, prior_steps=3), run_of(tiny, 1), packer=packer(recorder))
    assert recorder.batches == [[1, 1], [2]]


def test_an_exclusive_run_is_alone_with_a_micro_batch_of_its_own(tiny: Kandinsky) -> None:
    recorder = Recorder()
    runs = [run_of(tiny, 1), run_of(tiny, 6, packing="exclusive"), run_of(tiny, 1)]
    step_together(*runs, packer=packer(recorder, max_samples=2))
    assert recorder.batches == [[1, 1], [4], [2]]


def test_a_batch_above_the_capacity_is_accumulated_and_gives_the_same_step(tiny: Kandinsky) -> None:
    recorder = Recorder()
    [split] = step_together(run_of(tiny, 7), packer=packer(recorder, max_samples=3))
    assert recorder.batches == [[3], [3], [1]]
    [whole] = step_together(run_of(tiny, 7))
    assert split == pytest.approx(whole, rel=1e-4)


def test_a_large_batch_fills_ticks_up_and_delays_nobody(tiny: Kandinsky) -> None:
    works = [StepWork(run_of(tiny, size)) for size in (40, 1, 1, 1)]
    assert [count for _, count in share_out(works, 16)] == [13, 1, 1, 1]


def test_who_waited_longest_comes_first(tiny: Kandinsky) -> None:
    recorder = Recorder()
    engine = packer(recorder, max_samples=4)
    works = [StepWork(run_of(tiny, 2, seed=seed)) for seed in range(3)]
    for work in works:
        engine.submit(work)
    assert engine.tick() == works[:2]
    again = StepWork(works[0].run)
    engine.submit(again)
    assert engine.tick() == [works[2], again]


class Ticking:
    """Computes nothing, for a second each batch."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def clock(self) -> float:
        return self.now_s

    def __call__(self, model: FamilyModel, shares: Sequence[Share]) -> list[StepGradients]:
        self.now_s += 1.0
        return [StepGradients(0.0, share.rows) for share in shares]


def device_seconds(runs: Sequence[TrainingRun], ticks: int, *, late: TrainingRun | None = None) -> list[float]:
    """What each run has of so many ticks of a second, all of them always waiting; the late one from the middle on."""
    ticking = Ticking()
    engine = Packer(Capacities(16), ticking, ticking.clock)
    had = dict.fromkeys(runs, 0.0) | ({} if late is None else {late: 0.0})
    waiting = [StepWork(run) for run in runs]
    for work in waiting:
        engine.submit(work)
    for tick in range(ticks):
        if late is not None and tick == ticks // 2:
            waiting.append(StepWork(late))
            engine.submit(waiting[-1])
        before = {work: work.done for work in waiting}
        over = engine.tick()
        served = {work: work.done - before[work] for work in waiting}
        for work, samples in served.items():
            had[work.run] += samples / sum(served.values())
        for work in over:
            waiting[waiting.index(work)] = again = StepWork(work.run)
            engine.submit(again)
    return list(had.values())


def test_each_run_has_its_share_of_the_device_however_many_share_its_batch(tiny: Kandinsky) -> None:
    pack = [run_of(tiny, 1, seed=seed) for seed in range(8)]
    alone = run_of(tiny, 1, packing="exclusive")
    assert device_seconds([*pack, alone], 90) == pytest.approx([10.0] * 9, abs=1.0)
    large = run_of(tiny, 12, packing="exclusive")
    assert device_seconds([*pack, large], 90) == pytest.approx([10.0] * 9, abs=1.0)


def test_groups_have_their_runs_shares(tiny: Kandinsky) -> None:
    many = [run_of(tiny, 2, seed=seed) for seed in range(6)]
    few = [run_of(tiny, 2, seed=seed, prior_steps=3) for seed in range(2)]
    assert device_seconds([*many, *few], 80) == pytest.approx([10.0] * 8, abs=1.0)


def test_a_run_that_comes_late_makes_up_for_nothing(tiny: Kandinsky) -> None:
    pack = [run_of(tiny, 1, seed=seed) for seed in range(3)]
    *others, late = device_seconds(pack, 80, late=run_of(tiny, 1, packing="exclusive"))
    assert late == pytest.approx(10.0, abs=1.0)
    assert others == pytest.approx([(40 + 30) / 3] * 3, abs=1.0)


def test_groups_take_turns(tiny: Kandinsky) -> None:
    ticking = Ticking()
    engine = Packer(Capacities(1), ticking, ticking.clock)
    large, other = StepWork(run_of(tiny, 4)), StepWork(run_of(tiny, 2, prior_steps=3))
    engine.submit(large)
    engine.submit(other)
    done = [(large.done, other.done)]
    for _ in range(4):
        engine.tick()
        done.append((large.done, other.done))
    assert done == [(0, 0), (1, 0), (1, 1), (2, 1), (2, 2)]


def phases_served(model: FamilyModel, clock: Callable[[], float], ticks: int) -> str:
    """First letters of the phases that ticks served, while a run of each phase always waits."""
    recorder = Recorder()
    engine = Packer(Capacities(1), recorder, clock)
    served = ""
    runs = [tiny_run(model, tiny_spec(packing="packed", batch_size=1, objective=name)) for name in ("split", "joint")]
    works = [StepWork(run) for run in runs]
    for work in works:
        engine.submit(work)
    for _ in range(ticks):
        [done] = engine.tick()
        served += done.run.phase[0]
        engine.submit(StepWork(done.run))  # the same step again: its phase stays
    return served


def test_phases_take_turns_where_all_parts_are_there(tiny: Kandinsky) -> None:
    assert phases_served(tiny, lambda: 0.0, 6) == "pjpjpj"


def test_a_phase_keeps_its_turn_for_a_while_where_its_parts_would_leave(tiny_folder: Path) -> None:
    model = ServedModels({"tiny": ModelEntry(path=tiny_folder, offload="parts")}).load("tiny")
    now = 0.0

    def clock() -> float:
        nonlocal now
        now += 0.3
        return now

    served = phases_served(model, clock, 40)
    lengths = [len(list(turn)) for _, turn in groupby(served)]
    assert set(served) == {"p", "j"}
    assert all(length >= 5 for length in lengths[:-1])
    assert len(lengths) >= 3, "no phase waits for ever"


def test_who_keeps_its_turn_gives_it_up_when_it_has_nothing_to_do(tiny_folder: Path) -> None:
    model = ServedModels({"tiny": ModelEntry(path=tiny_folder, offload="parts")}).load("tiny")
    engine = Packer(Capacities(1), Recorder(), lambda: 0.0)
    works = [StepWork(run_of(model, 1, objective=name)) for name in ("split", "joint")]
    for work in works:
        engine.submit(work)
    assert [engine.tick(), engine.tick()] == [[works[0]], [works[1]]]


def test_work_that_is_not_wanted_any_more_leaves(tiny: Kandinsky) -> None:
    recorder = Recorder()
    engine = packer(recorder)
    is_cancelled = False
    leaving = StepWork(run_of(tiny, 1), is_wanted=lambda: not is_cancelled)
    staying = StepWork(run_of(tiny, 2))
    engine.submit(leaving)
    engine.submit(staying)
    is_cancelled = True
    assert engine.tick() == [leaving, staying]
    assert recorder.batches == [[2]]
    assert engine.tick() == []


def test_out_of_memory_lowers_the_capacity_and_loses_no_step(tiny: Kandinsky, caplog: pytest.LogCaptureFixture) -> None:
    recorder = Recorder(limit=3)
    engine = packer(recorder)
    runs = [run_of(tiny, 2, seed=seed) for seed in range(4)]
    with caplog.at_level(logging.WARNING, "murnau_worker"):
        metrics = step_together(*runs, packer=engine)
    assert "fewer samples are trained together: out of memory" in caplog.messages
    assert all(sum(sizes) <= 2 for sizes in recorder.batches)
    assert sum(map(sum, recorder.batches)) == 8
    for seed, one in enumerate(metrics):
        [undisturbed] = step_together(run_of(tiny, 2, seed=seed))
        assert one == pytest.approx(undisturbed, rel=1e-4)
    recorder.batches.clear()
    step_together(*runs, packer=engine)
    assert len(recorder.batches) == 4, "the capacity stays lowered"


def test_one_sample_alone_out_of_memory_fails_its_run(tiny: Kandinsky) -> None:
    with pytest.raises(WorkerError, match="one sample of this run alone") as failed:
        step_together(run_of(tiny, 2), packer=packer(Recorder(limit=0)))
    assert failed.value.code == "device.out_of_memory"


def test_an_exclusive_run_out_of_memory_fails_and_says_what_to_change(tiny: Kandinsky) -> None:
    with pytest.raises(WorkerError, match="never changes how many") as failed:
        step_together(run_of(tiny, 4, packing="exclusive"), packer=packer(Recorder(limit=3)))
    assert (failed.value.code, failed.value.field) == ("device.out_of_memory", "spec.packing")


def test_an_unforeseen_error_ends_only_the_run_it_comes_from(tiny: Kandinsky) -> None:
    def compute(model: FamilyModel, shares: Sequence[Share]) -> list[StepGradients]:
        if any(len(share.batch) == 3 for share in shares):
            raise RuntimeError("bad kernel")
        return packed_gradients(model, shares)

    engine = packer(compute)
    works = [StepWork(run_of(tiny, size)) for size in (1, 3, 2)]
    for work in works:
        engine.submit(work)
    assert engine.tick() == works
    assert [work.error.code if work.error else None for work in works] == [None, "internal", None]
    assert works[2].gradients.loss > 0


def test_the_capacity_is_measured_when_more_than_one_sample_waits(tiny: Kandinsky) -> None:
    capacities = Capacities()
    engine = Packer(capacities)
    alone, several = run_of(tiny, 1), run_of(tiny, 4)
    step_together(alone, packer=engine)
    assert capacities.known(alone.group) is None
    before = several.state_bytes()
    engine.submit(StepWork(several))
    engine.tick()
    assert several.state_bytes() == before, "a measurement trains nothing"
    step_together(several, packer=engine)
    largest = LARGEST_ON_CUDA if tiny.device.type == "cuda" else LARGEST_ON_CPU
    assert 1 <= (capacities.known(several.group) or 0) <= largest


@pytest.mark.parametrize(
    ("fixed_s", "each_s", "capacity"), [(0.02, 0.005, 16), (0.005, 0.01, 8), (0.0, 0.01, 1), (0.1, 0.1, 4)]
)
def test_a_batch_grows_as_long_as_it_gains(fixed_s: float, each_s: float, capacity: int) -> None:
    now = 0.0

    def compute(samples: int) -> None:
        nonlocal now
        now += fixed_s + each_s * samples

    probe = ThroughputProbe(clock=lambda: now)
    found = None
    while found is None:
        found = probe.stage(compute)
    assert found == capacity
    assert now < 2.5


def test_a_slow_device_is_not_measured_for_long() -> None:
    now = 0.0

    def compute(samples: int) -> None:
        nonlocal now
        now += 60.0

    assert ThroughputProbe(clock=lambda: now).stage(compute) == 1
    assert now == 60.0


def test_memory_decides_by_the_peaks_of_one_and_two_samples() -> None:
    gib = 2**30
    assert samples_that_fit(5 * gib, 8 * gib, 80 * gib) == 23  # 2 + 23 * 3 = 71 of 72 GiB
    assert samples_that_fit(5 * gib, 8 * gib, 4 * gib) == 1
    assert samples_that_fit(5 * gib, 5 * gib, 80 * gib) > 23


class Fit:
    """A memory probe that takes two stages, as the real one."""

    def __init__(self, samples: int) -> None:
        self._samples = samples
        self._stages = 0

    def stage(self, compute: ComputeSamples) -> int | None:
        self._stages += 1
        compute(self._stages)
        return self._samples if self._stages == 2 else None


class Card:
    """A CUDA device: a batch takes a fixed time and a time for each sample, and memory ends at some size."""

    def __init__(self, fixed_s: float, each_s: float, memory: int = 10_000) -> None:
        self.fixed_s, self.each_s, self.memory = fixed_s, each_s, memory
        self.now_s = 0.0
        self.sizes: list[int] = []

    def compute(self, samples: int) -> None:
        self.sizes.append(samples)
        if samples > self.memory:
            raise torch.OutOfMemoryError("injected")
        # The first batch makes kernels ready.
        self.now_s += self.fixed_s + self.each_s * samples + (8.0 if len(self.sizes) == 1 else 0.0)

    def capacity(self, fit: int) -> int:
        probe = CudaProbe(lambda: Fit(fit), lambda: self.now_s)
        found = None
        while found is None:
            began_s = self.now_s
            found = probe.stage(self.compute)
            assert self.now_s - began_s < 10, "stages are short"
        return found


@pytest.mark.parametrize(
    ("card", "fit", "capacity", "why"),
    [
        (Card(0.02, 0.0001), 256, 256, "memory alone"),
        (Card(0.02, 0.0001), 100, 100, "memory alone, no power of two"),
        (Card(0.02, 0.0001), 1, 1, "no room for two"),
        (Card(0.0, 0.01), 256, 1, "the knee: more samples take as much longer"),
        (Card(0.002, 0.001), 256, 32, "the knee, later"),
        (Card(0.3, 0.02), 256, 8, "a tick's length: 16 samples would take 0.62 s"),
        (Card(0.6, 0.01), 256, 16, "a tick that is long anyway, and hardly longer"),
        (Card(0.6, 0.3), 256, 1, "one sample is computed however long it takes"),
        (Card(0.02, 0.0001, memory=64), 256, 64, "less memory than estimated"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_on_cuda_memory_the_knee_and_a_ticks_length_decide(card: Card, fit: int, capacity: int, why: str) -> None:
    assert card.capacity(fit) == capacity
    assert max(card.sizes) <= fit or fit == 1
    tick_s = card.fixed_s + card.each_s * capacity
    assert tick_s <= max(LONGEST_TICK_S, HARDLY_LONGER * (card.fixed_s + card.each_s))


def test_a_lowered_capacity_is_measured_again_after_the_shortage(
    tiny: Kandinsky, caplog: pytest.LogCaptureFixture
) -> None:
    now_s = 0.0
    capacities = Capacities(clock=lambda: now_s)
    recorder = Recorder()
    engine = Packer(capacities, recorder)
    run = run_of(tiny, 4)
    step_together(run, packer=engine)
    measured = capacities.known(run.group)
    assert measured
    capacities.lower(run.group, 1, "out of memory")
    now_s += SHORTAGE_S - 1
    assert capacities.known(run.group) == 1
    now_s += 1
    assert capacities.known(run.group) is None
    with caplog.at_level(logging.INFO, "murnau_worker"):
        step_together(run, packer=engine)
    assert "capacity measured" in caplog.messages
    assert capacities.known(run.group)


def test_a_shortage_of_a_given_capacity_passes_too() -> None:
    now_s = 0.0
    capacities = Capacities(8, clock=lambda: now_s)
    group = PackGroup("tiny", "joint", (4, 8, 8), 5)
    capacities.lower(group, 2, "out of memory")
    assert capacities.known(group) == 2
    now_s += SHORTAGE_S
    assert capacities.known(group) == 8


def test_out_of_memory_while_measuring_gives_one_sample_for_a_while(tiny: Kandinsky) -> None:
    now_s = 0.0
    capacities = Capacities(clock=lambda: now_s)
    engine = Packer(capacities, Recorder(limit=1))
    run = run_of(tiny, 4)

    def hold(phase: str) -> None:
        raise torch.OutOfMemoryError("injected")

    engine.submit(StepWork(run))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tiny, "hold", hold)
        assert engine.tick() == []
    assert capacities.known(run.group) == 1
    [work] = [over for _ in range(4) for over in engine.tick()]
    assert work.error is None
    now_s += SHORTAGE_S
    assert capacities.known(run.group) is None


def test_a_diverged_run_fails_with_its_step(tiny: Kandinsky) -> None:
    run = run_of(tiny, 1)
    step(run)
    run.state.rows["t1"].fill_(torch.nan)
    with pytest.raises(WorkerError, match="at step 2") as failed:
        step(run)
    assert failed.value.code == "run.diverged"
