"""Which loss a step of a run is of, and how far its schedule has come: functions of the spec and the step alone."""

from __future__ import annotations

from murnau_worker.core.spec import TrainingSpec
from murnau_worker.families.kandinsky21.parameters import parameters_of


def _split_steps(spec: TrainingSpec) -> int:
    is_warming = spec.objective.name == "warm_joint"
    return parameters_of(spec).warm_steps if is_warming else spec.optimizer.schedule_steps


def _prior_steps(spec: TrainingSpec) -> int:
    """Steps that train t2, at least one and leaving at least one for t1."""
    split_steps = _split_steps(spec)
    return min(max(1, round(split_steps * parameters_of(spec).prior_share)), max(1, split_steps - 1))


def phase_of(spec: TrainingSpec, step: int) -> str:
    """The phase of the step after `step` steps. Extending a run moves no phase: they follow `schedule_steps`."""
    name = spec.objective.name
    if name == "joint" or (name == "warm_joint" and step >= parameters_of(spec).warm_steps):
        return "joint"
    return "prior" if step < _prior_steps(spec) else "decoder"


def schedule_place(spec: TrainingSpec, step: int) -> tuple[int, int]:
    """Steps done and steps in all of the learning-rate schedule.

    `split` trains one tower after the other, so each has a whole schedule; otherwise there is one for the run.
    """
    schedule_steps = spec.optimizer.schedule_steps
    if spec.objective.name != "split":
        return step, schedule_steps
    first = _prior_steps(spec)
    return (step, first) if step < first else (step - first, max(1, schedule_steps - first))
