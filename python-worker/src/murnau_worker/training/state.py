"""A run's whole state and its bytes: what a checkpoint carries and a resume starts from."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from pydantic import BaseModel, ConfigDict, ValidationError

from murnau_worker.core.batch import Rows
from murnau_worker.core.draws import SCHEME_VERSION
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.safetensors_bytes import read_safetensors, write_safetensors
from murnau_worker.core.spec import OptimizerName, TrainingSpec
from murnau_worker.training.optimizer import TrainedRows

STATE_VERSION = 2
_METADATA_KEY = "murnau_state"


class Evaluation(BaseModel):
    """One evaluation of the averaged rows."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    eval_loss: float
    eval_gain: float


class Best(BaseModel):
    """The best evaluation so far; `hash` is of the embedding file of that step."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    step: int
    eval_loss: float
    hash: str


class StateHeader(BaseModel):
    """What of the state is no tensor."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    state_version: int
    draw_scheme: int
    step: int
    spec_hash: str
    model_fingerprint: str
    dataset_fingerprint: str
    numeric_fingerprint: str
    numerics_changed_at: list[int]
    empty_eval_loss: float | None
    evaluations: list[Evaluation]
    best: Best | None


@dataclass
class RunState:
    """A run between two steps. `empty_eval_loss`: loss of the empty prompt on the dataset, once known.

    `best_rows`: the averaged rows that `best` evaluated: what is published of a run that publishes its best.
    """

    towers: dict[str, TrainedRows]
    step: int = 0
    empty_eval_loss: float | None = None
    evaluations: list[Evaluation] = field(default_factory=list[Evaluation])
    best: Best | None = None
    best_rows: Rows | None = None
    numerics_changed_at: list[int] = field(default_factory=list[int])

    @property
    def rows(self) -> Rows:
        return {tower: trained.rows_RD for tower, trained in self.towers.items()}


@dataclass(frozen=True)
class RunIdentity:
    """What a state belongs to; a state of another spec, model or dataset is refused."""

    spec_hash: str
    model_fingerprint: str
    dataset_fingerprint: str
    numeric_fingerprint: str


def spec_hash(spec: TrainingSpec) -> str:
    """Hash of what decides a run's arithmetic, as far as it differs from the defaults: a field that is added later with
    a default leaves stored states theirs.

    When a run ends and what it reports may change (extending a run).
    """
    reporting = {"max_steps", "checkpoint_every_steps", "evaluation", "samples"}
    content = _without_empty(spec.model_dump(mode="json", exclude=reporting, exclude_defaults=True))
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _without_empty(values: Mapping[str, Any]) -> dict[str, Any]:
    """Without sections in which nothing is left."""
    found = {name: _without_empty(value) if isinstance(value, dict) else value for name, value in values.items()}
    return {name: value for name, value in found.items() if value != {}}


def write_state(state: RunState, identity: RunIdentity) -> bytes:
    """Serialises a state; equal states give equal bytes."""
    header = StateHeader(
        state_version=STATE_VERSION,
        draw_scheme=SCHEME_VERSION,
        step=state.step,
        spec_hash=identity.spec_hash,
        model_fingerprint=identity.model_fingerprint,
        dataset_fingerprint=identity.dataset_fingerprint,
        numeric_fingerprint=identity.numeric_fingerprint,
        numerics_changed_at=state.numerics_changed_at,
        empty_eval_loss=state.empty_eval_loss,
        evaluations=state.evaluations,
        best=state.best,
    )
    tensors: dict[str, torch.Tensor] = {}
    for tower, trained in state.towers.items():
        tensors |= {f"{tower}.{name}": tensor for name, tensor in trained.tensors().items()}
    if state.best_rows is not None:
        tensors |= {f"best.{tower}": rows_RD for tower, rows_RD in state.best_rows.items()}
    return write_safetensors(tensors, {_METADATA_KEY: header.model_dump_json()})


def _corrupt(message: str) -> WorkerError:
    return WorkerError("checkpoint.corrupt", message, field="state")


def read_state(
    content: bytes, identity: RunIdentity, shapes: Mapping[str, torch.Size], optimizer: OptimizerName
) -> RunState:
    """Reads a state and checks that it belongs to the run. `shapes`: of each tower's rows, (R, D).

    Raises WorkerError `model.changed` where only the model's weights differ, `checkpoint.corrupt` for bytes that are
    no state, or one of another spec, dataset or version. Another numeric fingerprint is allowed and noted in
    `numerics_changed_at`.
    """
    try:
        tensors, metadata = read_safetensors(content)
        header = StateHeader.model_validate_json(metadata[_METADATA_KEY])
        _check_version(header)
        towers = {tower: _read_rows(tensors, tower, shape, optimizer) for tower, shape in shapes.items()}
        best_rows = _read_best(tensors, shapes) if header.best is not None else None
    except (ValueError, KeyError, ValidationError) as error:
        raise _corrupt(f"the state can not be read: {str(error)[:200]}") from error
    expected: dict[str, Any] = {
        "spec": (header.spec_hash, identity.spec_hash),
        "model": (header.model_fingerprint, identity.model_fingerprint),
        "dataset": (header.dataset_fingerprint, identity.dataset_fingerprint),
    }
    differing = [name for name, (before, now) in expected.items() if before != now]
    if differing == ["model"]:
        raise WorkerError(
            "model.changed",
            "the weights of the model have changed since the run's last checkpoint",
            field="state",
            given=identity.model_fingerprint[:12],
            allowed=header.model_fingerprint[:12],
        )
    if differing:
        raise _corrupt(f"the state belongs to another {' and '.join(differing)}")
    changed_at = list(header.numerics_changed_at)
    if header.numeric_fingerprint != identity.numeric_fingerprint:
        changed_at.append(header.step)
    return RunState(
        towers=towers,
        step=header.step,
        empty_eval_loss=header.empty_eval_loss,
        evaluations=list(header.evaluations),
        best=header.best,
        best_rows=best_rows,
        numerics_changed_at=changed_at,
    )


def _check_version(header: StateHeader) -> None:
    if header.state_version != STATE_VERSION or header.draw_scheme != SCHEME_VERSION:
        raise _corrupt("the state was written by a version of the worker that this one does not follow")


def _read_rows(
    tensors: dict[str, torch.Tensor], tower: str, shape: torch.Size, optimizer: OptimizerName
) -> TrainedRows:
    prefix = f"{tower}."
    of_tower = {name.removeprefix(prefix): tensor for name, tensor in tensors.items() if name.startswith(prefix)}
    for name, tensor in of_tower.items():
        is_row = tensor.dim() > 0
        if (is_row and tensor.shape != shape) or not bool(tensor.isfinite().all()):
            raise ValueError(f"{tower}'s {name} has the shape {tuple(tensor.shape)}, not {tuple(shape)}, or no numbers")
    return TrainedRows.of_tensors(of_tower, optimizer)


def _read_best(tensors: Mapping[str, torch.Tensor], shapes: Mapping[str, torch.Size]) -> Rows:
    best = {tower: tensors[f"best.{tower}"].clone() for tower in shapes}
    for tower, rows_RD in best.items():
        shape = tuple(shapes[tower])
        if tuple(rows_RD.shape) != shape or rows_RD.dtype != torch.float32 or not bool(rows_RD.isfinite().all()):
            raise ValueError(f"the best rows have the shape {tuple(rows_RD.shape)}, not {shape}, or no numbers")
    return best
