"""When a device has no memory left, and giving back what nobody holds."""

from __future__ import annotations

import gc

import torch

# What the CPU's allocator says in a plain RuntimeError: on Linux and on macOS, then on Windows.
_NO_MEMORY = ("can't allocate memory", "not enough memory")


def is_out_of_memory(error: BaseException) -> bool:
    """Whether the device, or the machine, had no memory left."""
    if isinstance(error, torch.OutOfMemoryError | MemoryError):
        return True
    return isinstance(error, RuntimeError) and any(words in str(error) for words in _NO_MEMORY)


def free_memory() -> None:
    """Gives back what nobody holds any more. Modules refer to themselves in circles: only the collector frees them."""
    gc.collect()
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
