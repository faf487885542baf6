"""Trains all runs that wait for a step in one forward and backward pass: continuous batching of optimizer steps.

No run waits for another: a tick takes what waits now. Runs that step together hand in their next step together, and a
run that comes back from an evaluation finds them at the next tick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Hashable, Sequence
from dataclasses import dataclass

from murnau_worker.core.device_memory import free_memory, is_out_of_memory
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.engine.capacity import Capacities
from murnau_worker.engine.failures import blamed_on, translate
from murnau_worker.engine.step_work import Fairness, Portion, StepWork, share_out
from murnau_worker.families.family import FamilyModel
from murnau_worker.training.shares import PackGroup, Share, StepGradients
from murnau_worker.training.step import gradients

Compute = Callable[[FamilyModel, Sequence[Share]], list[StepGradients]]

_STAY_S = 10.0  # with offloaded parts: reading those of another phase takes a second or more


@dataclass(frozen=True)
class _Held:
    """The model and the phase whose parts are on the device, and until when works of other phases wait for them."""

    parts: tuple[str, str]
    until_s: float

    def serves(self, work: StepWork) -> bool:
        return work.parts == self.parts


def _is_over(work: StepWork) -> bool:
    with blamed_on(work.fail):
        return work.is_over
    return True


class Packer:
    """Steps that wait, and the ticks that compute them. On the device thread only.

    What a run's own code raises ends the run's work and no other; DeviceLostError is no run's, and ends the tick.
    """

    def __init__(
        self,
        capacities: Capacities,
        compute: Compute = gradients,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._capacities = capacities
        self._compute = compute
        self._clock = clock
        self._fairness = Fairness()
        self._held: _Held | None = None
        self._waiting: list[StepWork] = []
        self._ticks = 0

    def submit(self, work: StepWork) -> None:
        work.served_at = self._ticks
        self._fairness.enter(work)
        self._waiting.append(work)

    def tick(self) -> list[StepWork]:
        """Computes one batch of one group, or a stage of its measurement; returns the works that are over."""
        groups: dict[Hashable, list[StepWork]] = {}
        for work in self._waiting:
            if not _is_over(work):
                groups.setdefault(work.key, []).append(work)
        if groups:
            self._ticks += 1
            works = self._next(groups.values())
            began_s = self._clock()
            portions = self._serve(works) or [(work, 1) for work in works]
            self._fairness.charge(portions, self._clock() - began_s)
        over = [work for work in self._waiting if _is_over(work)]  # asked once: a run may be cancelled at any time
        self._waiting = [work for work in self._waiting if work not in over]
        return over

    def _next(self, groups: Collection[list[StepWork]]) -> list[StepWork]:
        """The group of the run that has had least of the device; of equals, the one whose last turn lies furthest back.

        Where a model's parts come and go by phase, a phase that waits keeps its turn for a while.
        """
        held = self._held
        if held is not None and self._clock() < held.until_s:
            groups = [works for works in groups if held.serves(works[0]) or not works[0].parts_come_and_go] or groups
        works = min(
            groups, key=lambda works: (min(work.used_s for work in works), max(work.served_at for work in works))
        )
        first = works[0]
        if first.parts_come_and_go and (held is None or not held.serves(first)):
            self._held = _Held(first.parts, self._clock() + _STAY_S)
        return works

    def _serve(self, works: Sequence[StepWork]) -> list[Portion]:
        """Computes one batch; out of memory, the same samples in a smaller one. What it held; [] if it measured."""
        while portions := self._portions(works):
            if not self._runs_out_of_memory(portions):
                break
            free_memory()
            samples = sum(count for _, count in portions)
            first = portions[0][0]
            if first.group is None or samples == 1:
                first.fail(_too_large(first, samples))
                break
            self._capacities.lower(first.group, samples // 2, "out of memory")
        return portions

    def _portions(self, works: Sequence[StepWork]) -> list[Portion]:
        """What the next batch holds; nothing where the group's capacity is still being measured."""
        first = works[0]
        if first.group is None:
            return [(first, min(first.micro_batch, first.missing))]
        capacity = self._capacities.known(first.group)
        if capacity is None:
            if sum(work.missing for work in works) > 1:
                self._measure(first, first.group)
                for work in works:
                    work.served_at = self._ticks
                return []
            capacity = 1
        return share_out(works, capacity)

    def _measure(self, work: StepWork, group: PackGroup) -> None:
        """One stage of a measurement with samples of a waiting run, as if so many runs waited with one each.

        Whatever is raised in it, one sample at a time is computed for now: that shows which run is at fault, if one is.
        """
        run = work.run

        def compute(samples: int) -> None:
            places = range(run.spec.optimizer.effective_batch)
            of_run = [places[index % len(places)] for index in range(samples)]
            self._compute(run.model, [run.share(range(place, place + 1)) for place in of_run])

        failure: WorkerError | None = None
        try:
            run.share(range(1))  # what drawing samples wants once is not the step's need
            run.model.hold(run.phase)
            self._capacities.measure(group, run.model.device, compute)
        except Exception as error:
            failure = translate(error)
        if failure is not None:
            free_memory()  # not before here: the error held on to the frames that hold the memory
            self._capacities.lower(group, 1, f"it could not be measured: {failure.message}")

    def _runs_out_of_memory(self, portions: Sequence[Portion]) -> bool:
        """Computes a batch; when memory runs out nothing has changed, and the same samples can be asked for again."""
        failure: WorkerError | None = None
        results: list[tuple[Portion, StepGradients]] = []
        try:
            shares = [work.share(count) for work, count in portions]
            run = portions[0][0].run
            run.model.hold(run.phase)
            results = list(zip(portions, self._compute(run.model, shares), strict=True))
        except Exception as error:
            if is_out_of_memory(error):
                return True
            failure = translate(error)
        if failure is not None:  # not within: the error holds on to the frames that hold the pack's memory
            self._find_the_guilty(portions, failure)
        for (work, count), of_share in results:
            with blamed_on(work.fail):
                work.add(of_share, count)
                work.served_at = self._ticks
        return False

    def _find_the_guilty(self, portions: Sequence[Portion], failure: WorkerError) -> None:
        """An unforeseen error ends the run that it comes from and no other: each is computed again alone."""
        if len(portions) == 1:
            portions[0][0].fail(failure)
            return
        get_logger().warning("a pack failed; its runs are computed one by one")
        free_memory()
        for work, count in portions:
            if self._runs_out_of_memory([(work, count)]):
                work.fail(_too_large(work, count))
                free_memory()


def _too_large(work: StepWork, samples: int) -> WorkerError:
    """The end of a run that can not be divided further."""
    if work.is_exclusive and samples > 1:
        return WorkerError(
            "device.out_of_memory",
            f"the device has not enough memory for {samples} samples of this run, and an exclusive run never changes "
            "how many it computes together",
            field="spec.packing",
            given="exclusive",
            allowed="packed, or a smaller batch_size",
        )
    return WorkerError("device.out_of_memory", "the device has not enough memory for one sample of this run alone")
