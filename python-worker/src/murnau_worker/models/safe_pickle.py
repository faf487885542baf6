"""Reads pickled checkpoints without running what is in them.

Real checkpoints of Kandinsky may hold classes of a training framework, which `weights_only=True` refuses outright.
This unpickler admits tensors and plain containers; every other class becomes an inert object, so that no code of the
file's choosing runs and the tensors beside it can still be read.
"""

from __future__ import annotations

import collections
import io
import pickle
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch

from murnau_worker.errors import WorkerError

_ADMITTED: frozenset[tuple[str, str]] = frozenset(
    {
        ("collections", "OrderedDict"),
        ("torch", "Size"),
        ("torch", "device"),
        ("torch._utils", "_rebuild_tensor_v2"),
        ("torch._utils", "_rebuild_tensor"),
        ("torch._utils", "_rebuild_parameter"),
        ("torch.serialization", "_get_layout"),
        ("torch._tensor", "_rebuild_from_type_v2"),
        *(("torch", name) for name in dir(torch) if isinstance(getattr(torch, name), torch.dtype)),
        *(("torch", name) for name in dir(torch) if name.endswith("Storage")),
        ("torch.storage", "UntypedStorage"),
        ("torch.storage", "TypedStorage"),
    }
)


class Inert:
    """Stands for an object of a class that was not admitted; it does nothing and keeps nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> Inert:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...


class TensorUnpickler(pickle.Unpickler):
    """An unpickler for which every class but tensors and plain containers is `Inert`."""

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        if (module_name, global_name) == ("collections", "OrderedDict"):
            return collections.OrderedDict
        if (module_name, global_name) in _ADMITTED:
            return super().find_class(module_name, global_name)
        return Inert


def _pickle_module() -> ModuleType:
    """A module in pickle's form, as `torch.load` wants it."""
    module = ModuleType("murnau_tensor_pickle")
    module.Unpickler = TensorUnpickler  # type: ignore[attr-defined]
    module.load = lambda file, **options: TensorUnpickler(file, **options).load()  # type: ignore[attr-defined]
    return module


def load_pickled(path: Path) -> Any:
    """Loads a `torch.save` file on the CPU, in the file's dtypes.

    Raises WorkerError `model.unreadable` when the file is missing or is no checkpoint.
    """
    try:
        content = io.BytesIO(path.read_bytes())
        return torch.load(content, map_location="cpu", weights_only=False, pickle_module=_pickle_module())
    except (OSError, RuntimeError, pickle.UnpicklingError, EOFError, ValueError, TypeError, AttributeError) as error:
        raise WorkerError("model.unreadable", f"{path} can not be read as a checkpoint: {error}") from error


def load_state_dict(path: Path) -> dict[str, torch.Tensor]:
    """Loads the tensors of a checkpoint in fp32, without a `state_dict` wrapper and without what is no tensor."""
    content = load_pickled(path)
    if isinstance(content, dict) and isinstance(cast("dict[str, Any]", content).get("state_dict"), dict):
        content = cast("dict[str, Any]", content)["state_dict"]
    if not isinstance(content, dict):
        raise WorkerError("model.unreadable", f"{path} holds no dictionary of tensors")
    entries = cast("dict[str, Any]", content)
    return {
        name: value.float() if value.is_floating_point() else value
        for name, value in entries.items()
        if isinstance(value, torch.Tensor)
    }
