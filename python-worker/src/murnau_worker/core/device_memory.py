"""When a device has no memory left, and giving back what nobody holds."""

from __future__ import annotations

import gc

import torch

# What a plain RuntimeError says, by whoever found no memory.
_NO_MEMORY = (
    "can't allocate memory",  # the CPU's allocator on Linux and on macOS
    "not enough memory",  # on Windows
    "out of memory",  # "CUDA error: …", "CUDA driver error: …", "HIP …", "MPS backend …"
    "ALLOC_FAILED",  # CUBLAS_STATUS_…, CUDNN_STATUS_…, CUSOLVER_STATUS_…, CUSPARSE_STATUS_…, CUFFT_…
    "ALLOCATION_FAILED",  # CUDNN_STATUS_INTERNAL_ERROR_HOST_… and …_DEVICE_…
)


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
