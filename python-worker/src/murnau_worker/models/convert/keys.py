"""Small tools shared by the converters: counting blocks, renaming, strict loading."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

import torch
from torch import nn

from murnau_worker.errors import WorkerError

Tensors = dict[str, torch.Tensor]
ModuleT = TypeVar("ModuleT", bound=nn.Module)


def count_blocks(source: Mapping[str, object], prefix: str) -> int:
    """How many numbered blocks follow `prefix.`: one more than the largest number, 0 for none."""
    start = prefix + "."
    numbers = {int(key[len(start) :].split(".", 1)[0]) for key in source if key.startswith(start)}
    return max(numbers) + 1 if numbers else 0


def copy_layers(source: Tensors, pairs: Iterable[tuple[str, str]], *, flatten: bool = False) -> Tensors:
    """Copies weight and bias of each (original, target) layer; `flatten` turns 1×1 convolutions into matrices."""
    target: Tensors = {}
    for here, there in pairs:
        weight = source[f"{here}.weight"]
        target[f"{there}.weight"] = weight.flatten(1) if flatten else weight
        target[f"{there}.bias"] = source[f"{here}.bias"]
    return target


def split_interleaved(tensor: torch.Tensor, parts: int, head_width: int) -> tuple[torch.Tensor, ...]:
    """Splits rows that lie as [head, part, head_width] into `parts` tensors of [head × head_width] rows."""
    heads = tensor.shape[0] // (parts * head_width)
    split = tensor.reshape(heads, parts, head_width, *tensor.shape[1:])
    return tuple(split[:, part].reshape(heads * head_width, *tensor.shape[1:]) for part in range(parts))


def load_strictly(model: ModuleT, tensors: Tensors, *, optional: tuple[str, ...] = ()) -> ModuleT:
    """Loads every tensor, refusing missing, surplus or misshapen ones, and returns the model in eval mode.

    Raises WorkerError `model.unreadable`. `optional` names target entries that the checkpoint may lack.
    """
    try:
        missing, unexpected = model.load_state_dict(tensors, strict=False)
    except RuntimeError as error:
        raise WorkerError("model.unreadable", f"a checkpoint does not fit {type(model).__name__}: {error}") from error
    lacking = [name for name in missing if name not in optional]
    if lacking or unexpected:
        raise WorkerError(
            "model.unreadable",
            f"a checkpoint does not fit {type(model).__name__}: missing {lacking[:5]}, unexpected {unexpected[:5]}",
        )
    return model.eval()
