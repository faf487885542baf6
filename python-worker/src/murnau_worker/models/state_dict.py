"""Small tools shared by the converters and readers: counting blocks, renaming, strict loading.

Models are built without memory (`empty_model`) and then given their tensors as they are: nothing is drawn at random
first, and a memory-mapped file stays one.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import AbstractContextManager
from typing import TypeVar

import torch
from torch import nn

from murnau_worker.core.errors import WorkerError

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


def empty_model() -> AbstractContextManager[object]:
    """Modules made inside have shapes and no memory, until `load_strictly` gives them tensors."""
    return torch.device("meta")


def _fill_constants(model: nn.Module) -> None:
    """Makes the buffers that no checkpoint holds, as their classes do."""
    for name, buffer in list(model.named_buffers()):
        if not buffer.is_meta:
            continue
        owner_name, _, kind = name.rpartition(".")
        if kind == "position_ids":
            made = torch.arange(buffer.shape[-1]).expand(buffer.shape).contiguous()
        elif kind == "token_type_ids":
            made = torch.zeros(buffer.shape, dtype=buffer.dtype)
        elif kind == "causal_attention_mask":
            made = torch.full(buffer.shape[1:], -10000.0).triu(1)[None]
        else:
            raise WorkerError("model.unreadable", f"{type(model).__name__} has a buffer {name} of an unknown kind")
        model.get_submodule(owner_name).register_buffer(kind, made, persistent=False)


def load_strictly(model: ModuleT, tensors: Tensors, *, optional: tuple[str, ...] = ()) -> ModuleT:
    """Gives every tensor to a model, refusing missing, surplus or misshapen ones; returns it in eval mode.

    Raises WorkerError `model.unreadable`. `optional` names target entries that the checkpoint may lack; they are 0.
    """
    try:
        given = {name: value.contiguous() for name, value in tensors.items()}
        missing, unexpected = model.load_state_dict(given, strict=False, assign=True)
    except RuntimeError as error:
        raise WorkerError("model.unreadable", f"a checkpoint does not fit {type(model).__name__}: {error}") from error
    lacking = [name for name in missing if name not in optional]
    if lacking or unexpected:
        raise WorkerError(
            "model.unreadable",
            f"a checkpoint does not fit {type(model).__name__}: missing {lacking[:5]}, unexpected {unexpected[:5]}",
        )
    dtype = next(value.dtype for value in tensors.values() if value.is_floating_point())
    zeros = {name: torch.zeros(model.get_parameter(name).shape, dtype=dtype) for name in missing}
    model.load_state_dict(zeros, strict=False, assign=True)
    _fill_constants(model)
    return model.requires_grad_(False).eval()
