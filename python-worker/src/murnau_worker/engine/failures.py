"""What is raised on the device thread, as errors of the registry."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator

from murnau_worker.core.device_loss import DeviceLostError, is_device_loss
from murnau_worker.core.device_memory import is_out_of_memory
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger


def translate(error: BaseException) -> WorkerError:
    """The one place where what torch raises becomes an error of the registry. Raises DeviceLostError."""
    if is_device_loss(error):
        raise DeviceLostError(str(error)) from error
    if isinstance(error, WorkerError):
        return error
    if is_out_of_memory(error):
        return WorkerError("device.out_of_memory", "the device has not enough memory for this request")
    get_logger().error("unexpected error on the device thread", exc_info=error)
    return WorkerError("internal", f"{type(error).__name__}: {str(error)[:300]}")


@contextlib.contextmanager
def blamed_on(fail: Callable[[WorkerError], object]) -> Generator[None]:
    """Whatever is raised inside ends one run, by its `fail`, and nothing else on the device thread."""
    try:
        yield
    except Exception as error:
        fail(translate(error))
