"""Counts the bytes of live tensors, real or fake: what a device's allocator would hold at its peak.

Not counted: the device's context, kernels' workspaces, fragmentation (about 0.7 GiB together on a CUDA device).
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

GIB = 1024**3

_ASKS_FOR_A_NUMBER = (
    torch.ops.aten._local_scalar_dense.default,
    torch.ops.aten.item.default,  # not split up in inference mode
    torch.ops.aten.is_nonzero.default,
)


class LiveBytes(TorchDispatchMode):
    """Counts storages from their first appearance as an operator's output until they are freed.

    `live` and `peak` are in bytes. `whole_number`: what code is told that asks a fake tensor for a number, such as the
    longest prompt's tokens; a fake truth is false and a fake fraction 1.
    """

    def __init__(self, whole_number: int) -> None:
        super().__init__()
        self.live = 0
        self.peak = 0
        self._whole_number = whole_number
        self._known: set[int] = set()

    def forget_peak(self) -> None:
        self.peak = self.live

    def __torch_dispatch__(
        self, func: Callable[..., Any], types: Any, args: Any = (), kwargs: dict[str, Any] | None = None
    ) -> Any:
        if func in _ASKS_FOR_A_NUMBER:
            return self._answer(args[0])
        result = func(*args, **(kwargs or {}))
        for leaf in tree_leaves(result):
            if isinstance(leaf, torch.Tensor):
                self._count(leaf)
        return result

    def _answer(self, tensor: torch.Tensor) -> int | float | bool:
        if tensor.dtype == torch.bool:
            return False
        return 1.0 if tensor.is_floating_point() else self._whole_number

    def _count(self, tensor: torch.Tensor) -> None:
        storage = tensor.untyped_storage()
        key = storage._cdata  # pyright: ignore[reportPrivateUsage]
        if key in self._known:
            return
        size = storage.nbytes()
        self._known.add(key)
        self.live += size
        self.peak = max(self.peak, self.live)
        weakref.finalize(storage, self._free, key, size)

    def _free(self, key: int, size: int) -> None:
        self._known.discard(key)
        self.live -= size
