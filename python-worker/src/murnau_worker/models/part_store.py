"""Parts in memory, of all models together: loaded when first asked for, the least recently used leave first."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import torch

from murnau_worker.core.device_memory import free_memory
from murnau_worker.core.logs import get_logger

PartT = TypeVar("PartT")
PartKey = tuple[str, str]  # the model's name and the part's

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True)
class _Resident:
    part: object
    size_bytes: int


class PartStore:
    """Keeps parts under a limit of bytes (0: none). Any thread may call it; one part is loaded at a time.

    A part that leaves while somebody computes with it is freed when that somebody lets go of it. Before a part's first
    load its size is not known, so that it and those it will push out are in memory together for a moment.
    """

    def __init__(self, limit_bytes: int = 0) -> None:
        self._limit_bytes = limit_bytes
        self._resident: OrderedDict[PartKey, _Resident] = OrderedDict()
        self._sizes: dict[PartKey, int] = {}
        self._lock = threading.RLock()

    def get(self, key: PartKey, load: Callable[[], PartT], size_of: Callable[[PartT], int]) -> PartT:
        """The part, loaded where it is not resident."""
        with self._lock:
            found = self._resident.get(key)
            if found is not None:
                self._resident.move_to_end(key)
                return found.part  # type: ignore[return-value]  (a key has one kind of part)
            self._make_room(self._sizes.get(key, 0), key)
            # A part lives longer than the caller's inference mode, and training could not use its inference tensors.
            with torch.inference_mode(False), torch.no_grad():
                part = load()
            size = self._sizes[key] = size_of(part)
            self._resident[key] = _Resident(part, size)
            self._make_room(0, key)
            if self._limit_bytes and size > self._limit_bytes:
                get_logger().warning(
                    "a part alone is larger than the memory limit",
                    extra={"model": key[0], "model_part": key[1], "size_mb": size // _MEBIBYTE},
                )
            return part

    def drop(self, keys: Iterable[PartKey]) -> None:
        """Lets parts go, and frees their memory unless somebody still computes with them."""
        with self._lock:
            left = [key for key in keys if self._resident.pop(key, None) is not None]
        if left:
            free_memory()

    def is_resident(self, key: PartKey) -> bool:
        return key in self._resident

    def size_bytes(self, key: PartKey) -> int:
        """Size in memory; 0 before the first load."""
        return self._sizes.get(key, 0)

    @property
    def resident_bytes(self) -> int:
        return sum(resident.size_bytes for resident in list(self._resident.values()))

    def _make_room(self, wanted_bytes: int, wanted: PartKey) -> None:
        """Lets parts go, the least recently used first, until `wanted_bytes` more fit or only `wanted` is left."""
        while self._limit_bytes and self.resident_bytes + wanted_bytes > self._limit_bytes:
            leaving = next(self._others(wanted), None)
            if leaving is None:
                return
            del self._resident[leaving]
            free_memory()
            get_logger().info("part left memory", extra={"model": leaving[0], "model_part": leaving[1]})

    def _others(self, wanted: PartKey) -> Iterator[PartKey]:
        return (key for key in self._resident if key != wanted)
