"""What every stage shares: seeded generators, the cosine schedule, restartable checkpoints, averaged weights."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.distributed as dist
from torch import nn

from .config import Stage

_mixed = False


def use_bfloat16(wanted: bool) -> None:
    """Turns on bfloat16 matrix products in :func:`mixed`: faster where the processor has them, slower elsewhere."""
    global _mixed
    _mixed = wanted


def mixed() -> torch.autocast:
    """The context of a network's forward pass; losses are taken outside it, in float32."""
    return torch.autocast("cpu", torch.bfloat16, enabled=_mixed)


SHARE_EVERY = 10  # Steps between averagings of the processes' weights; divides the checkpoints' interval.


def world_size() -> int:
    """Number of training processes that share each batch."""
    return dist.get_world_size() if dist.is_initialized() else 1


def rank() -> int:
    return dist.get_rank() if dist.is_initialized() else 0


def gathered(value: Any) -> list[Any]:
    """Every process's value, in order of rank; the processes wait for each other."""
    if world_size() == 1:
        return [value]
    values: list[Any] = [None] * world_size()
    dist.all_gather_object(values, value)
    return values


def rng_at(stage: Stage, step: int) -> np.random.Generator:
    """A step's draws depend on (seed, step, process) only, so a resumed stage continues as if never stopped."""
    return np.random.default_rng((stage.seed, step, rank()))


def share_weights(module: nn.Module) -> None:
    """Averages the weights over the processes (local SGD): a wait every few steps, where threads wait per operator."""
    with torch.no_grad():
        weights = [p for p in module.parameters() if p.requires_grad]
        flat = torch._utils._flatten_dense_tensors(weights)
        dist.all_reduce(flat)
        flat /= world_size()
        for weight, shared in zip(weights, torch._utils._unflatten_dense_tensors(flat, weights), strict=True):
            weight.copy_(shared)


def save_array(array: np.ndarray, path: Path) -> None:
    """Like save_atomic, for one array."""
    partial = path.with_suffix(".partial.npy")
    np.save(partial, array)
    os.replace(partial, path)


def learning_rate(stage: Stage, step: int) -> float:
    """Linear warm-up, then a cosine from ``lr`` to ``lr * final_lr`` at the last step."""
    if step < stage.warmup:
        return stage.lr * (step + 1) / stage.warmup
    progress = min(1.0, (step - stage.warmup) / max(1, stage.steps - stage.warmup))
    return stage.lr * (stage.final_lr + (1 - stage.final_lr) * 0.5 * (1 + math.cos(math.pi * progress)))


def save_atomic(state: dict[str, Any], path: Path) -> None:
    """Writes beside ``path`` and renames, so that a kill leaves the old file or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    os.replace(partial, path)


def train(
    name: str,
    stage: Stage,
    module: nn.Module,
    loss_of: Callable[[int, np.random.Generator], torch.Tensor],
    work: Path,
    log_every: int = 25,
    save_every: int = 50,
) -> nn.Module:
    """Runs one stage's steps from its newest checkpoint; returns the averaged module (or ``module`` without EMA).

    ``loss_of(step, rng)`` draws a batch from ``rng`` and returns the scalar loss; torch's own generator is
    seeded from the same step.
    """
    path = work / f"{name}.ckpt"
    decayed = [p for p in module.parameters() if p.requires_grad and p.ndim > 1]
    plain = [p for p in module.parameters() if p.requires_grad and p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": stage.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=stage.lr, betas=(0.9, 0.98), foreach=True)
    average = deepcopy(module).requires_grad_(False) if stage.ema else None
    step = 0
    if path.exists():
        state = torch.load(path, map_location="cpu", weights_only=True)
        module.load_state_dict(state["module"])
        if "optimizer" in state:
            optimizer.load_state_dict(state["optimizer"])
        if average is not None:
            average.load_state_dict(state["average"])
        step = state["step"]
    started, first, running = time.monotonic(), step, []
    module.train()
    while step < stage.steps:
        torch.manual_seed(stage.seed * 1_000_003 + step)
        for group in optimizer.param_groups:
            group["lr"] = learning_rate(stage, step)
        loss = loss_of(step, rng_at(stage, step))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(module.parameters(), 1.0)
        optimizer.step()
        step += 1
        if world_size() > 1 and step % SHARE_EVERY == 0:
            share_weights(module)
        if average is not None:
            _average(average, module, min(stage.ema, step / (step + 10)))
        running.append(loss.item())
        if rank() == 0 and (step % log_every == 0 or step == stage.steps):
            pace = (step - first) / (time.monotonic() - started)
            print(f"{name} {step}/{stage.steps} loss {np.mean(running):.4f} {pace:.2f} steps/s", flush=True)
            running = []
        if rank() == 0 and (step % save_every == 0 or step == stage.steps):
            state = {"module": module.state_dict(), "optimizer": optimizer.state_dict(), "step": step}
            if average is not None:
                state["average"] = average.state_dict()
            save_atomic(state, path)
    return (average if average is not None else module).eval()


def _average(average: nn.Module, module: nn.Module, decay: float) -> None:
    with torch.no_grad():
        torch._foreach_lerp_(list(average.parameters()), list(module.parameters()), 1 - decay)
        for kept, new in zip(average.buffers(), module.buffers(), strict=True):
            kept.copy_(new)


def load_trained(name: str, module: nn.Module, work: Path) -> nn.Module:
    """Fills ``module`` with the stage's averaged weights if it keeps any, else its last ones."""
    state = torch.load(work / f"{name}.ckpt", map_location="cpu", weights_only=True)
    module.load_state_dict(state.get("average", state["module"]))
    return module.eval().requires_grad_(False)
