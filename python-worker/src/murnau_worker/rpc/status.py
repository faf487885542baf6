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


# Longer ones would not fit into a call's metadata, and the code would be lost with them.
_LONGEST_GIVEN = 200
_LONGEST_TEXT = 1_000


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def error_detail(error: WorkerError) -> pb.ErrorDetail:
    return pb.ErrorDetail(
        code=error.code,
        message=_cut(error.message, _LONGEST_TEXT),
        field=_cut(error.field, _LONGEST_GIVEN),
        given=_cut(error.given, _LONGEST_GIVEN),
        allowed=_cut(error.allowed, _LONGEST_TEXT),
    )


def on_done(context: Any, callback: Callable[[], None]) -> None:
    """Calls back when a call ends in any way: cancellation reaches a generator's `finally` late or never."""
    context.add_done_callback(lambda _: callback())


async def abort(context: grpc.aio.ServicerContext[Any, Any], error: WorkerError) -> None:
    """Ends a call with an error's status and details; always raises."""
    detail = error_detail(error)
    context.set_trailing_metadata(((ERROR_METADATA_KEY, detail.SerializeToString()),))
    await context.abort(STATUS_OF_CODE[error.code], f"{error.code}: {detail.message}")
