"""A stored state's tie to its spec: what decides the arithmetic, and nothing that was added later with a default."""

from __future__ import annotations

import pytest
from pydantic import Field, create_model
from run_tools import step, tiny_run, tiny_spec

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.spec import ObjectiveSpec, OptimizerSpec, TrainingSpec
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.kandinsky21.parameters import Kandinsky21Parameters
from murnau_worker.training.state import spec_hash


class LaterParameters(Kandinsky21Parameters):
    later_share: float = Field(default=0.25, gt=0, lt=1)


class LaterOptimizer(OptimizerSpec):
    later_decay: float = Field(default=0.5, ge=0)


# The spec of a later version: a field at the top, one in a section, one of the family, each with a default.
LaterSpec = create_model("LaterSpec", __base__=TrainingSpec, optimizer=(LaterOptimizer, ...), later_mode=(str, "plain"))


def later(spec: TrainingSpec, *, share: float = 0.25, decay: float = 0.5, mode: str = "plain") -> TrainingSpec:
    objective = spec.objective.model_dump(exclude={"parameters"})
    parameters = LaterParameters(**spec.objective.parameters.model_dump(), later_share=share)
    return LaterSpec.model_validate(
        {
            **spec.model_dump(exclude={"objective", "optimizer"}),
            "objective": ObjectiveSpec(**objective, parameters=parameters),
            "optimizer": LaterOptimizer(**spec.optimizer.model_dump(), later_decay=decay),
            "later_mode": mode,
        }
    )


def test_a_specs_hash_does_not_change_with_the_code() -> None:
    """The hash of checkpoints that are stored somewhere: if this fails they could not be resumed."""
    spec = tiny_spec(objective="split", prior_share=0.25, templates="style")
    assert spec_hash(spec) == "0dd4d453b9fd65bc55ab672ec30ff1985be3f541b58e65a2fa3ad1c899f678b8"


def test_an_old_state_is_resumed_under_a_spec_with_more_fields(tiny: Kandinsky) -> None:
    run = tiny_run(tiny, tiny_spec())
    step(run)
    resumed = tiny_run(tiny, later(tiny_spec()), run.state_bytes())
    assert resumed.state.step == 1
    assert step(resumed) == step(run)


@pytest.mark.parametrize("changed", [{"share": 0.5}, {"decay": 0.0}, {"mode": "other"}])
def test_a_new_field_with_another_value_is_another_spec(tiny: Kandinsky, changed: dict[str, float]) -> None:
    state = tiny_run(tiny, tiny_spec()).state_bytes()
    with pytest.raises(WorkerError, match="another spec") as refused:
        tiny_run(tiny, later(tiny_spec(), **changed), state)  # type: ignore[arg-type]
    assert refused.value.code == "checkpoint.corrupt"


def test_a_changed_value_is_another_spec() -> None:
    base = spec_hash(tiny_spec())
    changes: list[dict[str, object]] = [
        {"seed": 6},
        {"learning_rate_t2": 0.2},
        {"objective": "split"},
        {"prior_steps": 4},
        {"text_dropout": True},
        {"loss_mask_floor": 0.5},
        {"initializer_t1": "cat"},
        {"resize": "crop"},
        {"packing": "packed"},
    ]
    assert all(spec_hash(tiny_spec(**change)) != base for change in changes)


def test_what_a_run_reports_may_change() -> None:
    reporting: dict[str, object] = {
        "max_steps": 24,
        "checkpoint_every_steps": 5,
        "eval_every_steps": 3,
        "publish": "best",
        "stop_at_plateau": True,
        "samples": {"every_steps": 2},
    }
    assert spec_hash(tiny_spec(**reporting)) == spec_hash(tiny_spec())
