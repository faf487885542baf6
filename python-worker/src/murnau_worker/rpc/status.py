"""From errors to gRPC statuses, once: the code and its details travel as trailing metadata.

Imports nothing of the engine: the advisor ends its calls the same way, and it must not load torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from murnau_worker.core.errors import WorkerError
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb

ERROR_METADATA_KEY = "murnau-error-bin"

STATUS_OF_CODE: dict[str, grpc.StatusCode] = {
    "spec.invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "placeholder.characters": grpc.StatusCode.INVALID_ARGUMENT,
    "placeholder.known_word": grpc.StatusCode.INVALID_ARGUMENT,
    "initializer.not_one_token": grpc.StatusCode.INVALID_ARGUMENT,
    "initializer.too_many_tokens": grpc.StatusCode.INVALID_ARGUMENT,
    "image.unreadable": grpc.StatusCode.INVALID_ARGUMENT,
    "image.too_small": grpc.StatusCode.INVALID_ARGUMENT,
    "image.too_large": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.wrong_size": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.empty": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.all_black": grpc.StatusCode.INVALID_ARGUMENT,
    "mask.missing": grpc.StatusCode.INVALID_ARGUMENT,
    "caption.missing": grpc.StatusCode.INVALID_ARGUMENT,
    "caption.invalid": grpc.StatusCode.INVALID_ARGUMENT,
    "embedding.unreadable": grpc.StatusCode.INVALID_ARGUMENT,
    "embedding.wrong_model": grpc.StatusCode.INVALID_ARGUMENT,
    "embedding.placeholder_clash": grpc.StatusCode.INVALID_ARGUMENT,
    "model.not_served": grpc.StatusCode.NOT_FOUND,
    "model.task_not_served": grpc.StatusCode.FAILED_PRECONDITION,
    "model.unreadable": grpc.StatusCode.FAILED_PRECONDITION,
    "model.changed": grpc.StatusCode.FAILED_PRECONDITION,
    "checkpoint.corrupt": grpc.StatusCode.DATA_LOSS,
    "blob.corrupt": grpc.StatusCode.DATA_LOSS,
    "blob.not_found": grpc.StatusCode.FAILED_PRECONDITION,
    "storage.full": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "claim.stale": grpc.StatusCode.FAILED_PRECONDITION,
    "worker.lost": grpc.StatusCode.ABORTED,
    "worker.unavailable": grpc.StatusCode.UNAVAILABLE,
    "device.out_of_memory": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "run.diverged": grpc.StatusCode.FAILED_PRECONDITION,
    "internal": grpc.StatusCode.INTERNAL,
}


def error_detail(error: WorkerError) -> pb.ErrorDetail:
    return pb.ErrorDetail(
        code=error.code, message=error.message, field=error.field, given=error.given, allowed=error.allowed
    )


def on_done(context: Any, callback: Callable[[], None]) -> None:
    """Calls back when a call ends in any way: cancellation reaches a generator's `finally` late or never."""
    context.add_done_callback(lambda _: callback())


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: WorkerError) -> None:
    """Ends a call with an error's status and details; always raises."""
    detail = error_detail(error).SerializeToString()
    context.set_trailing_metadata(((ERROR_METADATA_KEY, detail),))
    await context.abort(STATUS_OF_CODE[error.code], f"{error.code}: {error.message}")
