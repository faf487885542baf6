"""What torch raises on the device thread, as errors of the registry."""

from __future__ import annotations

import torch

from murnau_worker.errors import WorkerError
from murnau_worker.logs import get_logger

# What the CPU's allocator says in a plain RuntimeError: on Linux and on macOS, then on Windows.
_NO_MEMORY = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, or the machine, had no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def translate(error: BaseException) -> WorkerError:
    """The one place where what torch raises becomes an error of the registry."""
    if isinstance(error, WorkerError):
        return error
    if is_out_of_memory(error):
        return WorkerError("device.out_of_memory", "the device has not enough memory for this request")
    get_logger().error("unexpected error on the device thread", exc_info=error)
    return WorkerError("internal", f"{type(error).__name__}: {str(error)[:300]}")
