"""Errors after which a process can not use its device any more: CUDA repeats them at every later call."""

from __future__ import annotations

from collections.abc import Iterator

import torch

# `cudaGetErrorString` of the errors that CUDA documents to leave the process in an inconsistent state, or its device
# out of reach. HIP has the same words.
_LOSS = (
    "an illegal memory access was encountered",
    "an illegal instruction was encountered",
    "device-side assert triggered",
    "misaligned address",
    "operation not supported on global/shared address space",
    "invalid program counter",
    "hardware stack error",
    "unspecified launch failure",
    "the launch timed out and was terminated",
    "uncorrectable ECC error encountered",
    "uncorrectable NVLink error detected",
    "context is destroyed",
    "invalid device context",
    "driver shutting down",
    "device(s) is/are busy or unavailable",
    "no CUDA-capable device is detected",
    "CUDA error: unknown error",
    "device lost",
    "GPU is lost",
)

_LIBRARIES = ("CUBLAS_STATUS_", "CUDNN_STATUS_")


class DeviceLostError(BaseException):
    """The process has to end: another one may find the device well. No run is at fault.

    No Exception, so that nothing that guards one run against its own errors takes it for one.
    """


def is_device_loss(error: BaseException) -> bool:
    """Whether it, or what it was raised from, says that the device is lost to this process."""
    texts = [str(each) for each in _with_causes(error) if isinstance(each, RuntimeError)]
    return any(words in text for words in _LOSS for text in texts) or (
        any(library in text for library in _LIBRARIES for text in texts) and _is_lost()
    )


def _is_lost() -> bool:
    """Asks the device: a library's error may be the first sign, and its words are the same for any cause."""
    if not torch.cuda.is_available():
        return False
    try:
        torch.cuda.synchronize()
    except RuntimeError as error:
        return any(words in str(error) for words in _LOSS)
    return False


def _with_causes(error: BaseException) -> Iterator[BaseException]:
    found: BaseException | None = error
    while found is not None:
        yield found
        found = found.__cause__
