"""200 steps in the engine: interrupted and resumed they end in the same bytes, packed they end beside their twin."""

from __future__ import annotations

import random
import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from run_tools import picture, step_together, tiny_run, tiny_spec

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.engine import Engine
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.training_session import SegmentRequest, TrainingSession
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.sessions.events import Checkpoint, Finished, Metrics, TrainEvent

STEPS = 200
PICTURES = (picture(1), picture(2), picture(3))


class Client:
    """A segment's events, acknowledged as they come. At step `leaves_at` it falls deaf: what comes later is lost."""

    def __init__(self, leaves_at: int | None = None) -> None:
        self.events: list[TrainEvent] = []
        self.left = threading.Event()
        self.session: TrainingSession | None = None
        self._leaves_at = leaves_at

    def open(self, engine: Engine, run_id: str, spec: TrainingSpec, state: bytes | None = None, step: int = 0) -> None:
        request = SegmentRequest(run_id, 1, spec, PICTURES, state, spec.max_steps, step)
        self.session = engine.open_training(request, self._emit, self._fail)

    def _emit(self, event: TrainEvent) -> None:
        if self.left.is_set():
            return
        self.events.append(event)
        if isinstance(event, Checkpoint):
            assert self.session is not None
            self.session.lease.acknowledge(event.step)
        if isinstance(event, Finished) or (isinstance(event, Metrics) and event.step == self._leaves_at):
            self.left.set()

    def _fail(self, error: WorkerError) -> None:
        raise error

    @property
    def newest(self) -> Checkpoint | None:
        return next((event for event in reversed(self.events) if isinstance(event, Checkpoint)), None)

    @property
    def metrics(self) -> dict[tuple[int, str], float]:
        return {
            (event.step, name): value
            for event in self.events
            if isinstance(event, Metrics)
            for name, value in event.values.items()
        }


@contextmanager
def running_engine(folder: Path) -> Generator[Engine]:
    engine = Engine({"tiny": folder}, threads=1, slots=8, max_samples=16)
    engine.start()
    yield engine
    engine.device.stop()


def long_spec(**changes: Any) -> TrainingSpec:
    values = {"batch_size": 1, "prior_steps": 2, "max_steps": STEPS, "schedule_steps": STEPS}
    return tiny_spec(**{**values, "checkpoint_every_steps": 25, "eval_every_steps": 80, **changes})


def segment(folder: Path, newest: Checkpoint | None, leaves_at: int | None, neighbours: int = 0) -> Client:
    """The exact run in an engine of its own from its newest checkpoint on, maybe with other runs beside it."""
    client = Client(leaves_at)
    with running_engine(folder) as engine:
        for number in range(neighbours):
            Client().open(engine, f"other-{number}", long_spec(seed=number, packing="packed"))
        client.open(engine, "exact", long_spec(), newest.state if newest else None, newest.step if newest else 0)
        assert client.left.wait(60)
    return client


def test_interrupted_at_five_random_points_it_ends_in_the_same_bytes(tiny_folder: Path) -> None:
    whole = segment(tiny_folder, None, None)
    interruptions = sorted(random.Random(7).sample(range(1, STEPS), 5))
    newest: Checkpoint | None = None
    metrics: dict[tuple[int, str], float] = {}
    for number, leaves_at in enumerate([*interruptions, None]):
        client = segment(tiny_folder, newest, leaves_at, neighbours=2 if number == 2 else 0)
        newest = client.newest or newest
        metrics |= client.metrics
    assert newest is not None
    assert whole.newest is not None
    assert newest.step == STEPS
    assert newest.state == whole.newest.state
    assert newest.embedding == whole.newest.embedding
    assert metrics == whole.metrics


def test_a_packed_run_ends_beside_its_exclusive_twin(tiny: Kandinsky) -> None:
    packed = [tiny_run(tiny, long_spec(seed=seed, packing="packed", schedule="constant")) for seed in range(2)]
    twin = tiny_run(tiny, long_spec(seed=0, packing="exclusive", schedule="constant"))
    for _ in range(STEPS):
        step_together(*packed)
        step_together(twin)
    assert set(twin.state.rows) == {"t1", "t2"}
    for tower, wanted_RD in twin.state.rows.items():
        assert float((packed[0].state.rows[tower] - wanted_RD).norm() / wanted_RD.norm()) < 1e-3
    assert not torch.allclose(packed[1].state.rows["t1"], twin.state.rows["t1"], rtol=0.1)
    assert twin.state.step == STEPS


def test_packed_runs_leave_and_join_between_steps(tiny_folder: Path) -> None:
    """One leaves in the middle, one joins late, one evaluates often: each reports every step once and ends."""
    with running_engine(tiny_folder) as engine:
        clients = [Client(leaves_at=10), Client(), Client()]
        for number, client in enumerate(clients):
            rhythm = 8 if number == 1 else 0
            spec = long_spec(seed=number, packing="packed", max_steps=30, schedule_steps=30, eval_every_steps=rhythm)
            client.open(engine, f"run-{number}", spec)
            if number == 0:
                assert client.left.wait(30)
                assert client.session is not None
                engine.close_training(client.session)
        assert all(client.left.wait(60) for client in clients)
    for client in clients[1:]:
        steps = [step for step, name in client.metrics if name == "train_loss"]
        assert steps == list(range(1, 31))
        assert isinstance(client.events[-1], Finished)


def test_micro_batches_of_an_exclusive_run_give_the_same_bytes_again(tiny: Kandinsky) -> None:
    """A batch of 6 takes two passes; in between others may be computed."""
    spec = tiny_spec(batch_size=6)
    alone, beside = tiny_run(tiny, spec), tiny_run(tiny, spec)
    others = [tiny_run(tiny, tiny_spec(seed=seed, packing="packed")) for seed in range(2)]
    for _ in range(3):
        step_together(alone)
        step_together(others[0], beside, others[1])
    assert alone.state_bytes() == beside.state_bytes()


@pytest.mark.parametrize("max_samples", [1, 3])
def test_a_run_whose_batch_exceeds_the_capacity_follows_its_twin(tiny: Kandinsky, max_samples: int) -> None:
    narrow, wide = (tiny_run(tiny, tiny_spec(packing="packed", batch_size=4)) for _ in range(2))
    for _ in range(5):
        step_together(narrow, packer=Packer(Capacities(max_samples)))
        step_together(wide)
    narrow_RD, wide_RD = narrow.state.rows["t1"], wide.state.rows["t1"]
    assert float((narrow_RD - wide_RD).norm() / wide_RD.norm()) < 1e-3
