"""Blocks computed again in the backward pass: the same gradients, less memory, and no say where there is no room to
win.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from run_tools import tiny_run, tiny_spec
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from murnau_worker.families.kandinsky21.description import KANDINSKY21
from murnau_worker.families.kandinsky21.model import Kandinsky
from murnau_worker.families.layouts import recognise
from murnau_worker.families.settings import default_settings
from murnau_worker.models.checkpointing import BlockCheckpointing, Checkpointing, fills_much
from murnau_worker.training.shares import StepGradients
from murnau_worker.training.step import gradients as packed_gradients

CPU = torch.device("cpu")


def open_model(folder: Path, checkpointing: Checkpointing) -> Kandinsky:
    return Kandinsky(recognise(folder).read(), default_settings(KANDINSKY21), "f", checkpointing=checkpointing)


class Operators(TorchDispatchMode):
    """Counts how often each operator runs."""

    def __init__(self) -> None:
        super().__init__()
        self.counts: dict[str, int] = {}

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: dict[str, Any] | None = None) -> Any:
        self.counts[str(func)] = self.counts.get(str(func), 0) + 1
        return func(*args, **(kwargs or {}))


def gradients(folder: Path, checkpointing: Checkpointing, **changes: Any) -> tuple[StepGradients, dict[str, int]]:
    """Of a run's first step, and what it ran."""
    model = open_model(folder, checkpointing)
    run = tiny_run(model, tiny_spec(**changes))
    share = run.share(range(2))
    packed_gradients(model, [share])  # constants are made at the first step
    with Operators() as operators:
        [found] = packed_gradients(model, [share])
    return found, operators.counts


@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"objective": "split", "prior_share": 0.5},
        {"objective": "warm_joint", "warm_steps": 2},
        {"text_dropout": True},
    ],
)
def test_gradients_are_the_same_to_the_bit(tiny_folder: Path, changes: dict[str, Any]) -> None:
    plain, plain_counts = gradients(tiny_folder, "off", **changes)
    again, again_counts = gradients(tiny_folder, "on", **changes)
    assert again.loss == plain.loss
    assert set(again.rows) == set(plain.rows)
    assert all(torch.equal(rows_RD, plain.rows[tower]) for tower, rows_RD in again.rows.items())
    products = "aten.addmm.default"
    assert again_counts[products] > 1.3 * plain_counts[products], "the forward pass is done twice"


def test_the_decoders_phase_too(tiny_folder: Path) -> None:
    found: list[StepGradients] = []
    for checkpointing in ("off", "on"):
        model = open_model(tiny_folder, checkpointing)
        run = tiny_run(model, tiny_spec(objective="split", schedule_steps=2))
        run.state.step = 1
        assert run.phase == "decoder"
        found += packed_gradients(model, [run.share(range(2))])
    assert set(found[0].rows) == {"t1"}
    assert set(found[1].rows) == {"t1"}
    assert torch.equal(found[0].rows["t1"], found[1].rows["t1"])


def test_a_cpus_model_is_left_as_it_is(tiny_folder: Path) -> None:
    model = open_model(tiny_folder, "auto")
    assert not model.checkpointing.is_possible
    assert not any("forward" in vars(module) for module in model.unet.modules())
    _, plain = gradients(tiny_folder, "off")
    _, auto = gradients(tiny_folder, "auto")
    assert auto == plain


def test_every_block_of_the_real_layers_is_covered(tiny_folder: Path) -> None:
    model = open_model(tiny_folder, "on")
    covered = {
        "text_encoder": _covered(model.t1.encoder),
        "clip_text": _covered(model.t2.encoder),
        "unet": _covered(model.unet),
    }
    assert covered["text_encoder"] == len(model.t1.encoder.transformer.encoder.layer)
    assert covered["clip_text"] == len(model.t2.encoder.text_model.encoder.layers)
    names = [type(module).__name__ for module in model.unet.modules()]
    assert covered["unet"] == names.count("Attention") + names.count("ResnetBlock2D") > 0


def _covered(module: nn.Module) -> int:
    return sum("forward" in vars(inside) for inside in module.modules())


def test_auto_is_for_weights_that_leave_little_room() -> None:
    gib = 2**30
    weights = int(5.47 * gib)  # of the published model in bf16
    assert fills_much(weights, device_bytes=8 * gib)
    assert fills_much(weights, device_bytes=16 * gib)
    assert not fills_much(weights, device_bytes=24 * gib)
    assert fills_much(2 * weights, device_bytes=24 * gib)


def test_nothing_is_kept_for_a_backward_pass_that_does_not_come() -> None:
    checkpointing = BlockCheckpointing("on", CPU, is_offloading=False, weights_bytes=lambda: 0)
    calls: list[bool] = []

    def block(given: torch.Tensor) -> torch.Tensor:
        calls.append(torch.is_grad_enabled())
        return given.square()

    given = torch.ones(2, requires_grad=True)
    with torch.inference_mode():
        checkpointing.run(block, given)
    assert calls == [False]
    checkpointing.run(block, given).square().sum().backward()
    assert calls == [False, True, True]
    assert given.grad is not None
    assert given.grad.tolist() == [4.0, 4.0]
