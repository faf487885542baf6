"""An unpickler that builds tensors and plain containers, and runs nothing of a file's choosing.

Three kinds of names may stand in a checkpoint. Tensors and plain containers are built. Classes of training frameworks,
which real checkpoints hold beside their tensors, become inert objects. Every other name is refused: a file that asks
for it may want to run code, and nobody needs it to read weights.
"""

from __future__ import annotations

import collections
import pickle
from _compat_pickle import IMPORT_MAPPING, NAME_MAPPING
from collections.abc import Callable
from typing import Any

import torch

# Classes of these packages are known from published checkpoints. They are never imported.
_INERT_PACKAGES = (
    "__torch__",
    "argparse",
    "kandinsky2",
    "lightning",
    "lightning_fabric",
    "lightning_utilities",
    "omegaconf",
    "pytorch_lightning",
    "torch.nn.modules",
    "torch.optim",
    "torchmetrics",
    "typing",
)
_INERT_NAMES = frozenset(
    {
        ("copyreg", "_reconstructor"),
        ("datetime", "datetime"),
        ("datetime", "timedelta"),
        ("numpy", "dtype"),
        ("numpy", "ndarray"),
        *(("numpy.core.multiarray", name) for name in ("scalar", "_reconstruct")),
        *(("numpy._core.multiarray", name) for name in ("scalar", "_reconstruct")),
        *(("pathlib", name) for name in ("Path", "PosixPath", "PurePosixPath", "WindowsPath", "PureWindowsPath")),
    }
)
_SCRIPT_PACKAGE = "__torch__"


class RefusedNameError(pickle.UnpicklingError):
    """A pickle asks for a name that is neither a tensor's, a plain container's nor known to be harmless."""


class Inert:
    """Stands for an object of a class that is known and not needed; it does nothing and keeps nothing."""

    def __new__(cls, *args: object, **kwargs: object) -> Inert:
        return super().__new__(cls)

    def __init__(self, *args: object, **kwargs: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...

    def __setitem__(self, key: object, value: object) -> None: ...

    def append(self, value: object) -> None: ...

    def extend(self, values: object) -> None: ...


class ScriptObject(Inert):
    """Stands for an object of TorchScript; it keeps its attributes, among which are its tensors, and no code."""

    attributes: dict[str, Any]

    def __setstate__(self, state: object) -> None:
        self.attributes = {str(key): value for key, value in state.items()} if isinstance(state, dict) else {}

    def tensors(self, prefix: str = "") -> dict[str, torch.Tensor]:
        """Tensors by their dotted names, as a module's state dict has them."""
        found: dict[str, torch.Tensor] = {}
        for name, value in getattr(self, "attributes", {}).items():
            if isinstance(value, torch.Tensor):
                found[prefix + name] = value
            elif isinstance(value, ScriptObject):
                found |= value.tensors(f"{prefix}{name}.")
        return found


def _first(value: object, *_: object) -> object:
    """What TorchScript's typed lists and type tags are built by."""
    return value


def _latin_1(text: str, *_: object) -> bytes:
    """How pickles of protocol 2 write bytes."""
    return text.encode("latin-1")


PLAIN_NAMES: dict[tuple[str, str], Any] = {
    ("collections", "OrderedDict"): collections.OrderedDict,
    ("collections", "defaultdict"): collections.defaultdict,
    ("collections", "Counter"): collections.Counter,
    ("collections", "deque"): collections.deque,
    ("_codecs", "encode"): _latin_1,
    ("torch", "Size"): torch.Size,
    ("torch", "device"): torch.device,
    **{
        ("builtins", kind.__name__): kind
        for kind in (bool, bytearray, bytes, complex, dict, float, frozenset, int, list, set, str, tuple)
    },
    **{("torch", name): value for name, value in vars(torch).items() if isinstance(value, torch.dtype)},
    **{
        ("torch.jit._pickle", name): _first
        for name in ("build_boollist", "build_doublelist", "build_intlist", "build_tensorlist", "restore_type_tag")
    },
}


class TensorUnpickler(pickle.Unpickler):
    """An unpickler of checkpoints; see the module's text. `tensor_names` are those that build its kind of tensors.

    Raises RefusedNameError for every name that is not known.
    """

    tensor_names: dict[tuple[str, str], Callable[..., Any]]

    def find_class(self, module_name: str, global_name: str, /) -> Any:
        # Older protocols write the names that Python 2 had.
        name = NAME_MAPPING.get((module_name, global_name), (module_name, global_name))
        name = (IMPORT_MAPPING.get(name[0], name[0]), name[1])
        module_name, global_name = name
        for known in (self.tensor_names, PLAIN_NAMES):
            if name in known:
                return known[name]
        if module_name.split(".", 1)[0] == _SCRIPT_PACKAGE:
            return ScriptObject
        if name in _INERT_NAMES or any(f"{module_name}.".startswith(f"{package}.") for package in _INERT_PACKAGES):
            return Inert
        raise RefusedNameError(f"{module_name}.{global_name}")
