"""Reads `torch.save` and TorchScript files as tensors on the CPU, memory-mapped where the file allows it.

Both forms are zip archives with a pickle `data.pkl` and one record per storage in `data/`; TorchScript's holds objects
of its own classes and code, of which only the tensors are read. Older `torch.save` files are one pickled stream.
"""

from __future__ import annotations

import io
import struct
import sys
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, cast

import torch
import torch._utils

from murnau_worker.core.errors import WorkerError
from murnau_worker.models.unpickler import RefusedNameError, ScriptObject, TensorUnpickler

_torch_utils: Any = torch._utils  # torch's own rebuilding of tensors is private
_ZIP_START = b"PK\x03\x04"
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, …, lengths of the name and of the extra field that follow


@dataclass(frozen=True, slots=True)
class _StorageKind:
    """Stands for a storage class such as `torch.FloatStorage`."""

    dtype: torch.dtype


@dataclass(frozen=True, slots=True)
class _Storage:
    content: torch.UntypedStorage
    dtype: torch.dtype


def _storage_kinds() -> dict[tuple[str, str], Any]:
    named = {
        "FloatStorage": torch.float32,
        "HalfStorage": torch.float16,
        "BFloat16Storage": torch.bfloat16,
        "DoubleStorage": torch.float64,
        "LongStorage": torch.int64,
        "IntStorage": torch.int32,
        "ShortStorage": torch.int16,
        "CharStorage": torch.int8,
        "ByteStorage": torch.uint8,
        "BoolStorage": torch.bool,
    }
    return {("torch", name): _StorageKind(dtype) for name, dtype in named.items()}


def _rebuild_tensor(storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...]) -> torch.Tensor:
    """A view of a storage, whose strides may overlap. Raises ValueError where it would reach past the storage."""
    if len(size) != len(stride) or offset < 0 or any(number < 0 for number in (*size, *stride)):
        raise ValueError(f"a tensor of size {tuple(size)} and strides {tuple(stride)} can not be")
    last = offset + sum((length - 1) * step for length, step in zip(size, stride, strict=True))
    if 0 not in size and (last + 1) * storage.dtype.itemsize > storage.content.nbytes():
        raise ValueError(f"a tensor of size {tuple(size)} reaches past its storage")
    return torch.empty(0, dtype=storage.dtype).set_(storage.content, offset, tuple(size), tuple(stride))


def _rebuild_tensor_v2(
    storage: _Storage, offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: object
) -> torch.Tensor:
    return _rebuild_tensor(storage, offset, size, stride)


def _data_of(data: torch.Tensor, *_: object) -> torch.Tensor:
    """A parameter, as its tensor."""
    return data


def _call_rebuild(rebuild: Callable[..., Any], _kind: object, arguments: tuple[Any, ...], _state: object) -> Any:
    """A tensor with attributes, without them."""
    return rebuild(*arguments)


class _ArchiveUnpickler(TensorUnpickler):
    """Builds tensors over the records of a zip archive."""

    tensor_names = {  # noqa: RUF012 (read only, as in the class above)
        ("torch._utils", "_rebuild_tensor"): _rebuild_tensor,
        ("torch._utils", "_rebuild_tensor_v2"): _rebuild_tensor_v2,
        ("torch._utils", "_rebuild_parameter"): _data_of,
        ("torch._tensor", "_rebuild_from_type_v2"): _call_rebuild,
        **_storage_kinds(),
    }

    def __init__(self, archive: _Archive) -> None:
        super().__init__(io.BytesIO(archive.pickle))
        self._archive = archive

    def persistent_load(self, pid: Any, /) -> _Storage:
        kind, key = pid[1], str(pid[2])
        if pid[0] != "storage" or not isinstance(kind, _StorageKind):
            raise ValueError(f"{pid[:1]} is no storage of a known kind")
        return _Storage(self._archive.storage(key, kind.dtype.itemsize), kind.dtype)


class _Archive:
    """The records of a zip file. What is stored uncompressed and aligned is mapped, everything else read."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._zip = zipfile.ZipFile(path)
        pickles = [name for name in self._zip.namelist() if name == "data.pkl" or name.endswith("/data.pkl")]
        if not pickles:
            raise ValueError("it is a zip file without data.pkl")
        self._prefix = pickles[0].removesuffix("data.pkl")
        self.pickle = self._zip.read(pickles[0])
        order = f"{self._prefix}byteorder"
        if order in self._zip.namelist() and self._zip.read(order).decode() != sys.byteorder:
            raise ValueError("its numbers are in another byte order")
        self._file = path.open("rb")
        self._mapped = torch.UntypedStorage.from_file(str(path), shared=False, nbytes=path.stat().st_size)
        self._storages: dict[str, torch.UntypedStorage] = {}

    def close(self) -> None:
        self._file.close()
        self._zip.close()

    def storage(self, key: str, item_size: int) -> torch.UntypedStorage:
        found = self._storages.get(key)
        if found is None:
            found = self._storages[key] = self._read(self._zip.getinfo(f"{self._prefix}data/{key}"), item_size)
        return found

    def _read(self, info: zipfile.ZipInfo, item_size: int) -> torch.UntypedStorage:
        self._file.seek(info.header_offset)
        signature, name_length, extra_length = _LOCAL_HEADER.unpack(self._file.read(_LOCAL_HEADER.size))
        start = info.header_offset + _LOCAL_HEADER.size + name_length + extra_length
        if signature != _ZIP_START or start + info.compress_size > self._mapped.nbytes():
            raise ValueError(f"its record {info.filename} is damaged")
        if info.file_size == 0:
            return torch.UntypedStorage(0)
        if info.compress_type != zipfile.ZIP_STORED or start % item_size:
            return torch.frombuffer(bytearray(self._zip.read(info)), dtype=torch.uint8).untyped_storage()
        record: Any = self._mapped[start : start + info.file_size]  # typed as a number upstream
        return record


class _StreamUnpickler(TensorUnpickler):
    """For files of one stream, whose storages torch itself reads."""

    tensor_names = {  # noqa: RUF012
        ("torch._utils", "_rebuild_tensor"): _torch_utils._rebuild_tensor,
        ("torch._utils", "_rebuild_tensor_v2"): _torch_utils._rebuild_tensor_v2,
        ("torch._utils", "_rebuild_parameter"): _data_of,
        ("torch._tensor", "_rebuild_from_type_v2"): _call_rebuild,
    }


def _stream_module() -> ModuleType:
    """The unpickler in the form of a module, as `torch.load` wants it."""
    module = ModuleType("murnau_tensor_pickle")
    module.Unpickler = _StreamUnpickler  # type: ignore[attr-defined]
    module.load = lambda file, **options: _StreamUnpickler(file, **options).load()  # type: ignore[attr-defined]
    return module


def _read(path: Path) -> Any:
    with path.open("rb") as file:
        start = file.read(len(_ZIP_START))
    if not start:
        raise ValueError("it is empty")
    if zipfile.is_zipfile(path):
        archive = _Archive(path)
        try:
            return _ArchiveUnpickler(archive).load()
        finally:
            archive.close()
    if start == _ZIP_START:
        raise ValueError("it is cut short: the directory at its end is missing")
    return torch.load(path, map_location="cpu", weights_only=False, pickle_module=_stream_module())


def load_pickled(path: Path) -> Any:
    """Loads a checkpoint's content on the CPU, in the file's dtypes; TorchScript's as its tensors by dotted name.

    Raises WorkerError `model.unreadable` for a file that is missing, damaged, no checkpoint, or asks for more than
    tensors and plain containers; the last names what it asks for.
    """
    try:
        content = _read(path)
    except RefusedNameError as error:
        raise WorkerError(
            "model.unreadable",
            f"{path} is refused: it asks for {error}, which is neither a tensor nor a plain container and could run "
            "code; save it again as a dictionary of tensors",
            given=str(error),
            allowed="tensors and plain containers",
        ) from error
    except Exception as error:  # a damaged pickle raises almost anything
        reason = str(error) or type(error).__name__
        raise WorkerError("model.unreadable", f"{path} can not be read as a checkpoint: {reason[:300]}") from error
    return content.tensors() if isinstance(content, ScriptObject) else content


def tensors_of(content: object, path: Path) -> dict[str, torch.Tensor]:
    """A checkpoint's tensors, without a `state_dict` wrapper and without what is no tensor."""
    if isinstance(content, dict) and isinstance(cast("dict[str, Any]", content).get("state_dict"), dict):
        content = cast("dict[str, Any]", content)["state_dict"]
    if not isinstance(content, dict):
        raise WorkerError("model.unreadable", f"{path} holds no dictionary of tensors")
    entries = cast("dict[str, Any]", content)
    tensors = {name: value for name, value in entries.items() if isinstance(value, torch.Tensor)}
    if not tensors:
        raise WorkerError("model.unreadable", f"{path} holds no tensors")
    return tensors


def cast_tensors(tensors: dict[str, torch.Tensor], dtype: torch.dtype | None) -> dict[str, torch.Tensor]:
    """Floating-point tensors in one dtype; without one in the widest that they have."""
    floating = [value.dtype for value in tensors.values() if value.is_floating_point()]
    wanted = dtype or max(floating, key=lambda kind: (kind.itemsize, kind is torch.bfloat16), default=torch.float32)
    if dtype is None and {torch.float16, torch.bfloat16} <= set(floating):
        wanted = torch.float32  # neither of the two holds all of the other's values
    return {name: value.to(wanted) if value.is_floating_point() else value for name, value in tensors.items()}


def load_state_dict(path: Path, dtype: torch.dtype | None = torch.float32) -> dict[str, torch.Tensor]:
    """Loads a checkpoint's tensors in one dtype (None: the widest of the file's own). Raises as `load_pickled`."""
    return cast_tensors(tensors_of(load_pickled(path), path), dtype)
