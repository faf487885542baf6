"""Whatever is raised on the device thread, by whoever runs there: one run ends by it, or the process does.

Places are those of the interfaces behind which foreign code runs on the thread; a member that is added is tried too.
"""

from __future__ import annotations

import inspect
import logging
import threading
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from fake_family.description import PEBBLE, PebbleParameters
from fake_family.source import write_pebble
from run_tools import picture

from murnau_worker.core.device_loss import DeviceLostError, is_device_loss
from murnau_worker.core.device_memory import is_out_of_memory
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import ConceptSpec, ObjectiveSpec, OptimizerSpec, SampleSpec, TrainingSpec
from murnau_worker.engine import packer
from murnau_worker.engine.capacity import Capacities, Probe
from murnau_worker.engine.device_thread import EXIT_CODE, DeviceThread, Task, Turn
from murnau_worker.engine.engine import Engine
from murnau_worker.engine.failures import translate
from murnau_worker.engine.step_work import StepWork
from murnau_worker.families.family import FamilyModel
from murnau_worker.families.registry import REGISTRATIONS, Registration
from murnau_worker.sessions.events import Finished, Metrics, TrainEvent
from murnau_worker.sessions.leased_session import LeasedSession
from murnau_worker.sessions.segment import SegmentRequest
from murnau_worker.training.run import TrainingRun

NO_MEMORY = (
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 MiB."),
    MemoryError(),
    RuntimeError("CUDA error: out of memory\nCUDA kernel errors might be reported at some other API call"),
    RuntimeError("CUDA driver error: out of memory"),
    RuntimeError("HIP out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("HIP error: out of memory"),
    RuntimeError("MPS backend out of memory (MPS allocated: 18.00 GB, other allocations: 1.30 GB, max allowed: 18 GB)"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_HOST_ALLOCATION_FAILED"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR_DEVICE_ALLOCATION_FAILED"),
    RuntimeError("cusolver error: CUSOLVER_STATUS_ALLOC_FAILED, when calling `cusolverDnCreate(handle)`"),
    RuntimeError("cuFFT error: CUFFT_ALLOC_FAILED"),
    RuntimeError("[enforce fail at alloc_cpu.cpp:118] err == 0. DefaultCPUAllocator: can't allocate memory: you tried"),
)
LOST = tuple(
    RuntimeError(f"CUDA error: {words}\nCompile with `TORCH_USE_CUDA_DSA` to enable device-side assertions.\n")
    for words in (
        "an illegal memory access was encountered",
        "an illegal instruction was encountered",
        "device-side assert triggered",
        "misaligned address",
        "unspecified launch failure",
        "uncorrectable ECC error encountered",
        "CUDA-capable device(s) is/are busy or unavailable",
        "the launch timed out and was terminated",
        "no CUDA-capable device is detected",
        "unknown error",
    )
)
CRASH = RuntimeError("bad kernel")

Raise = Callable[[], None]


@pytest.mark.parametrize("error", NO_MEMORY, ids=str)
def test_every_way_to_say_that_no_memory_is_left(error: Exception) -> None:
    assert is_out_of_memory(error)
    assert not is_device_loss(error)
    assert translate(error).code == "device.out_of_memory"


@pytest.mark.parametrize("error", LOST, ids=lambda error: str(error).partition("\n")[0])
def test_every_way_to_say_that_the_device_is_lost(error: Exception) -> None:
    assert not is_out_of_memory(error)
    with pytest.raises(DeviceLostError):
        translate(error)
    refusal = WorkerError("model.unreadable", "the part can not be read")
    refusal.__cause__ = error
    with pytest.raises(DeviceLostError):
        translate(refusal)
    assert not is_device_loss(CRASH)


def members(interface: type) -> list[str]:
    """Public names of an interface, its bases' included."""
    named = {name for kind in interface.__mro__ for name in (*vars(kind), *inspect.get_annotations(kind))}
    return sorted(name for name in named if not name.startswith("_"))


class Faulty:
    """Stands before an object: the access to one of its members raises on the device thread, once it is armed."""

    def __init__(self, real: Any, member: str, error: BaseException) -> None:
        self._real = real
        self._member = member
        self._error = error
        self.is_armed = True
        self.has_raised = False

    def __getattr__(self, name: str) -> Any:
        if name == self._member and self.is_armed and threading.current_thread().name == "device":
            self.has_raised = True
            raise self._error
        return getattr(self._real, name)


class Outcome:
    """What one run's stream heard, and when it was over."""

    def __init__(self) -> None:
        self.events: list[TrainEvent] = []
        self.failures: list[WorkerError] = []
        self.is_over = threading.Event()
        self.on_step: Callable[[], None] = lambda: None

    def emit(self, event: TrainEvent) -> None:
        self.events.append(event)
        if isinstance(event, Metrics):
            self.on_step()
        if isinstance(event, Finished):
            self.is_over.set()

    def fail(self, error: WorkerError) -> None:
        self.failures.append(error)
        self.is_over.set()

    @property
    def has_finished(self) -> bool:
        return isinstance(self.events[-1], Finished) if self.events else False


@pytest.fixture(scope="module", autouse=True)
def registered() -> Iterator[None]:
    REGISTRATIONS.append(Registration(PEBBLE, "fake_family.family"))
    yield
    REGISTRATIONS.pop()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("pebble")
    write_pebble(path)
    return path


def request(model: str, run_id: str) -> SegmentRequest:
    spec = TrainingSpec(
        model=model,
        concept=ConceptSpec(placeholder_token="lumistone", initializer_token="stone"),
        objective=ObjectiveSpec(name="colour", parameters=PebbleParameters()),
        optimizer=OptimizerSpec(learning_rates={"words": 0.3}, schedule_steps=4, batch_size=3),
        samples=SampleSpec(prompts=("photo {placeholder}",), every_steps=2, final_count=1, num_steps=2),
        max_steps=4,
        checkpoint_every_steps=4,
    )
    return SegmentRequest(run_id, 1, spec, (picture(1, 16), picture(2, 16)), None, 4, 0)


class Device:
    """An engine with a good and a bad model; `exits`: the codes with which its process would have ended."""

    def __init__(self, folder: Path) -> None:
        self.engine = Engine({"good": folder, "bad": folder}, threads=1, slots=4)
        self.exits: list[int] = []
        self.exited = threading.Event()
        self.engine.device.exit_process = self._exit
        self.good, self.bad = Outcome(), Outcome()

    def _exit(self, code: int) -> None:
        self.exits.append(code)
        self.exited.set()
        self.good.is_over.set()
        self.bad.is_over.set()

    def replace_bad(self, model: Any) -> None:
        models: Any = self.engine.models
        models._models["bad"] = model

    def run(self) -> None:
        self.engine.start()
        self.engine.open_training(request("bad", "bad"), self.bad.emit, self.bad.fail)
        self.engine.open_training(request("good", "good"), self.good.emit, self.good.fail)
        assert self.good.is_over.wait(30)
        assert self.bad.is_over.wait(30)
        self.engine.device.stop()

    def check_blamed(self, has_raised: bool, codes: Sequence[str] = ("internal",)) -> None:
        """The bad run alone was ended, if by anything."""
        assert self.exits == []
        assert self.good.has_finished
        assert self.good.failures == []
        assert [error.code for error in self.bad.failures] == [] or self.bad.failures[0].code in codes
        assert self.bad.has_finished or self.bad.failures
        assert has_raised or self.bad.has_finished

    def check_ended(self) -> None:
        """The process has ended, and nobody was blamed."""
        assert self.exits == [EXIT_CODE]
        assert self.good.failures == self.bad.failures == []


@pytest.mark.parametrize("is_late", [False, True], ids=["at once", "after a step"])
@pytest.mark.parametrize("member", members(FamilyModel))
def test_a_models_own_errors_end_its_runs_only(folder: Path, member: str, is_late: bool) -> None:
    device = Device(folder)
    faulty = Faulty(device.engine.models.load("bad"), member, CRASH)
    faulty.is_armed = not is_late
    device.bad.on_step = lambda: setattr(faulty, "is_armed", True)
    device.replace_bad(faulty)
    device.run()
    device.check_blamed(faulty.has_raised)


@pytest.mark.parametrize("member", members(FamilyModel))
def test_a_device_that_is_lost_anywhere_ends_the_process(folder: Path, member: str) -> None:
    device = Device(folder)
    faulty = Faulty(device.engine.models.load("bad"), member, LOST[0])
    device.replace_bad(faulty)
    device.run()
    if faulty.has_raised:
        device.check_ended()
    else:
        device.check_blamed(has_raised=False)


@pytest.mark.parametrize("member", ["hold", "draw", "losses", "device"])
def test_no_memory_while_capacity_is_measured_ends_nothing_but_the_run(folder: Path, member: str) -> None:
    """As on a card of 6 GB, where `hold` has no memory left."""
    device = Device(folder)
    faulty = Faulty(device.engine.models.load("bad"), member, NO_MEMORY[2])
    device.replace_bad(faulty)
    device.run()
    assert faulty.has_raised
    device.check_blamed(has_raised=True, codes=["device.out_of_memory"])


def failing(error: BaseException, when: Callable[..., bool] = lambda *_: True) -> Callable[..., Any]:
    """A function that raises for the bad model's runs."""

    def wrap(original: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **named: Any) -> Any:
            if when(*arguments):
                raise error
            return original(*arguments, **named)

        return call

    return wrap


def is_bad_run(run: TrainingRun, *_: Any) -> bool:
    return run.spec.model == "bad"


def is_bad_session(session: LeasedSession, *_: Any) -> bool:
    return session.request.spec.model == "bad"


def is_bad_work(work: StepWork, *_: Any) -> bool:
    return is_bad_run(work.run)


def is_called(kind: type, name: str) -> bool:
    return inspect.isfunction(vars(kind).get(name))


@pytest.mark.parametrize("name", [name for name in members(TrainingRun) if is_called(TrainingRun, name)])
@pytest.mark.parametrize("error", [CRASH, NO_MEMORY[0], LOST[1]], ids=["crash", "memory", "lost"])
def test_a_runs_own_errors_end_it_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    original = getattr(TrainingRun, name)
    monkeypatch.setattr(TrainingRun, name, failing(error, is_bad_run)(original))
    device = Device(folder)
    device.run()
    if error is LOST[1]:
        device.check_ended()
    else:
        codes = ["internal", "device.out_of_memory"]
        device.check_blamed(has_raised=not device.bad.has_finished, codes=codes)


@pytest.mark.parametrize("name", [name for name in members(StepWork) if is_called(StepWork, name) and name != "fail"])
def test_errors_in_a_steps_work_end_its_run_only(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setattr(StepWork, name, failing(CRASH, is_bad_work)(getattr(StepWork, name)))
    device = Device(folder)
    device.run()
    device.check_blamed(has_raised=True)


def test_a_session_that_can_not_say_whether_it_is_wanted_ends(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    original = LeasedSession._is_over.fget  # type: ignore[attr-defined]
    assert original is not None
    asked: list[object] = []

    def is_over(session: LeasedSession) -> bool:
        if is_bad_session(session):
            asked.append(session)
            if len(asked) > 12:
                raise CRASH
        return original(session)

    monkeypatch.setattr(LeasedSession, "_is_over", property(is_over))
    device = Device(folder)
    device.run()
    device.check_blamed(has_raised=True)


def test_a_computation_that_gives_too_few_results_ends_its_run_only(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    original = packer.Packer.__init__

    def short(model: FamilyModel, shares: Sequence[Any]) -> list[Any]:
        found = packer.gradients(model, shares)
        return found[1:] if model.name == "bad" else found

    monkeypatch.setattr(packer.Packer, "__init__", lambda self, capacities: original(self, capacities, short))
    device = Device(folder)
    device.run()
    device.check_blamed(has_raised=True)


@pytest.mark.parametrize("name", members(Probe))
@pytest.mark.parametrize("error", [CRASH, NO_MEMORY[0]], ids=["crash", "memory"])
def test_a_measurement_that_fails_ends_no_run(
    folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, error: BaseException
) -> None:
    from murnau_worker.engine.capacity import ThroughputProbe

    monkeypatch.setattr(ThroughputProbe, name, failing(error)(getattr(ThroughputProbe, name)))
    device = Device(folder)
    device.run()
    device.check_blamed(has_raised=False)


class Told:
    """A task of fake turns; `fault`: which member of Task raises."""

    is_interactive = False

    def __init__(self, fault: str, error: BaseException) -> None:
        self._fault = fault
        self._error = error
        self.told: list[WorkerError] = []

    def turns(self) -> Any:
        if self._fault == "turns":
            raise self._error
        return self._turns()

    def _turns(self) -> Iterator[Turn]:
        yield Turn.WORKED
        raise self._error

    def fail(self, error: WorkerError) -> None:
        self.told.append(error)
        if self._fault == "fail":
            raise self._error


def device_thread() -> tuple[DeviceThread, list[int]]:
    exits: list[int] = []
    thread = DeviceThread(1, packer.Packer(Capacities(1)), exit_process=exits.append)
    thread.start()
    return thread, exits


@pytest.mark.parametrize("is_interactive", [False, True])
@pytest.mark.parametrize("fault", [name for name in members(Task) if name != "is_interactive"])
def test_a_tasks_own_errors_end_it_only(fault: str, is_interactive: bool) -> None:
    thread, exits = device_thread()
    bad = Told(fault, CRASH)
    bad.is_interactive = is_interactive
    thread.submit(bad)
    after = threading.Event()

    class After(Told):
        def _turns(self) -> Iterator[Turn]:
            yield Turn.WORKED
            after.set()

    thread.submit(After("", CRASH))
    assert after.wait(10)
    thread.stop()
    assert exits == []
    assert [error.code for error in bad.told] == ["internal"]


@pytest.mark.parametrize("fault", ["turns", "turn", "fail"])
@pytest.mark.parametrize("error", [SystemExit(1), LOST[2], GeneratorExit()], ids=["exit", "lost", "closed"])
def test_what_is_nobodys_ends_the_process_after_it_was_said(
    fault: str, error: BaseException, caplog: pytest.LogCaptureFixture
) -> None:
    thread, exits = device_thread()
    order: list[str] = []
    thread.before_exit = lambda: order.append("refused")
    exited = threading.Event()

    def exit_process(code: int) -> None:
        exits.append(code)
        order.append("ended")
        exited.set()

    thread.exit_process = exit_process
    with caplog.at_level(logging.CRITICAL, "murnau_worker"):
        thread.submit(Told(fault, error))
        assert exited.wait(10)
    assert order == ["refused", "ended"]
    assert exits == [EXIT_CODE]
    assert "the device thread has ended: the process ends too" in caplog.messages


def test_a_thread_that_can_not_begin_ends_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    from murnau_worker.engine import device_thread as module

    monkeypatch.setattr(module, "set_up_torch", failing(CRASH)(module.set_up_torch))
    _, exits = device_thread()
    assert exits == [EXIT_CODE]
