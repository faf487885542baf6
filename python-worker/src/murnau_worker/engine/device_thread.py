"""The one thread that owns the device. Tasks take turns on it, one small step at a time.

A turn is one sampling step, one chunk of an evaluation or one encoded picture. Optimizer steps are not turns: a task
that wants one hands it to the packer, and after all turns one tick computes the steps that wait together. Interactive
tasks (generations) go between the rounds of training; training still gets a round every so often while they last.
"""

from __future__ import annotations

import os
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from typing import Any, Protocol

import torch

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.core.numeric_fingerprint import numeric_fingerprint
from murnau_worker.engine.failures import translate
from murnau_worker.engine.packer import Packer
from murnau_worker.engine.step_work import StepWork

_TRAINING_SHARE_S = 0.5  # while generations run, training gets a round at least this often
EXIT_CODE = 70  # of a process whose device thread ended (EX_SOFTWARE)
_IDLE_WAIT_S = 0.05  # how long a blocked task waits before it is asked again, unless something wakes the thread


def set_up_torch(threads: int) -> None:
    """Sets what a run's bytes depend on: threads of the calling thread's kernels, and deterministic ones."""
    torch.set_num_threads(threads)
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")  # without it a GPU's products differ from run to run
    torch.use_deterministic_algorithms(True)  # only warning, torch would keep a GPU's faster attention, which is not
    torch.backends.cudnn.allow_tf32 = False  # fp32 is fp32: else a share's gradients differ from its twin's by 1e-3
    # Filling every new tensor first takes 5 % of a step; nothing here reads what it has not written.
    deterministic: Any = torch.utils.deterministic  # its stub lacks the setting
    deterministic.fill_uninitialized_memory = False


class Turn(Enum):
    """What a task says after a turn."""

    WORKED = "worked"
    BLOCKED = "blocked"  # waits for its client


class Task(Protocol):
    """Work for the device thread. `turns` is run there only; `fail` is told what ended it early.

    A StepWork that it yields goes to the packer; the next turn comes when that work is done, or no longer wanted.
    """

    is_interactive: bool

    def turns(self) -> Iterator[Turn | StepWork]: ...

    def fail(self, error: WorkerError) -> None: ...


@dataclass(frozen=True, eq=False)
class _Entry:
    """A task on the thread."""

    task: Task
    turns: Iterator[Turn | StepWork]
    is_interactive: bool


def _turns_of(task: Task) -> Iterator[Turn | StepWork]:
    """The task's turns, asked for on the thread that runs them."""
    yield from task.turns()


class DeviceThread:
    """Runs tasks in turns. `submit`, `wake` and the readings may be called from any thread.

    What a task or a run raises ends it and no other. The thread itself can end in one way: what nobody is to blame for
    (DeviceLostError, an error of this code) ends the process, so that its supervisor starts another; `before_exit` is
    called first. Without its thread a process would look well and do nothing.
    """

    def __init__(self, threads: int, packer: Packer, exit_process: Callable[[int], object] = os._exit) -> None:
        """`exit_process`: for tests."""
        self._threads = threads
        self._packer = packer
        self.exit_process = exit_process
        self.before_exit: Callable[[], None] = lambda: None
        self._tasks: deque[_Entry] = deque()
        self._stepping: dict[StepWork, _Entry] = {}  # tasks that wait for the packer
        self._changed = threading.Condition()
        self._stopping = False
        self._progress_at = time.monotonic()
        self._has_work = False
        self._thread = threading.Thread(target=self._run, name="device", daemon=True)
        self._ready = threading.Event()
        self.numeric_fingerprint = ""

    def start(self) -> None:
        """Starts the thread and waits until torch is set up on it."""
        self._thread.start()
        self._ready.wait()

    def stop(self, timeout_s: float = 10.0) -> None:
        with self._changed:
            self._stopping = True
            self._changed.notify()
        self._thread.join(timeout_s)

    def submit(self, task: Task) -> None:
        entry = _Entry(task, _turns_of(task), task.is_interactive)
        with self._changed:
            if not self._has_work:
                self._progress_at = time.monotonic()
            self._tasks.append(entry)
            self._changed.notify()

    def wake(self) -> None:
        """Something that a blocked task waits for may have happened."""
        with self._changed:
            self._changed.notify()

    @property
    def progress_age_s(self) -> float:
        """Seconds since a turn ended while there was work; 0 when idle."""
        return time.monotonic() - self._progress_at if self._has_work else 0.0

    def _run(self) -> None:
        try:
            set_up_torch(self._threads)
            self.numeric_fingerprint = numeric_fingerprint()
            self._ready.set()
            self._take_turns()
        except BaseException as error:
            try:
                get_logger().critical("the device thread has ended: the process ends too", exc_info=error)
                self.before_exit()
            finally:
                self.exit_process(EXIT_CODE)
        finally:
            self._ready.set()

    def _take_turns(self) -> None:
        training_at = 0.0
        while True:
            with self._changed:
                while not self._tasks and not self._stopping:
                    self._has_work = False
                    self._changed.wait()
                if self._stopping:
                    return
                self._has_work = True
                entries = list(self._tasks)
            interactive = [entry for entry in entries if entry.is_interactive]
            training = [entry for entry in entries if not entry.is_interactive]
            worked = [self._turn(entry) for entry in interactive]
            if not any(worked) or time.monotonic() - training_at > _TRAINING_SHARE_S:
                worked.append(self._train(training))
                training_at = time.monotonic()
            if not any(worked):
                with self._changed:
                    self._changed.wait(_IDLE_WAIT_S)
                self._progress_at = time.monotonic()  # waiting for clients is no stall

    def _train(self, entries: list[_Entry]) -> bool:
        """A round of training: one turn of each task that waits for no step, one tick. Whether anything was done."""
        stepping = list(self._stepping.values())
        worked = [self._turn(entry) for entry in entries if entry not in stepping]
        for work in self._packer.tick():
            entry = self._stepping.pop(work)
            if work.error is not None:
                self._fail(entry, work.error)
            else:
                self._turn(entry)
        self._progress_at = time.monotonic()
        return any(worked) or bool(stepping)

    def _turn(self, entry: _Entry) -> bool:
        """Gives a task one turn; whether it did something."""
        try:
            turn = next(entry.turns)
        except StopIteration:
            self._remove(entry)
            return True
        except Exception as error:
            self._fail(entry, translate(error))
            return True
        self._progress_at = time.monotonic()
        if isinstance(turn, StepWork):
            self._stepping[turn] = entry
            self._packer.submit(turn)
        return turn is not Turn.BLOCKED

    def _fail(self, entry: _Entry, error: WorkerError) -> None:
        self._remove(entry)
        try:
            entry.task.fail(error)
        except Exception:
            get_logger().exception("a task could not be told why it ended", extra={"code": error.code})

    def _remove(self, entry: _Entry) -> None:
        self._progress_at = time.monotonic()
        with self._changed:
            self._tasks.remove(entry)
