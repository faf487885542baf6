"""From errors to gRPC statuses, once: the code and its details travel as trailing metadata.

Imports nothing of the engine: the advisor ends its calls the same way, and it must not load torch.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import grpc

from murnau_worker.errors import WorkerError
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb

ERROR_METADATA_KEY = "murnau-error-bin"


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
    await context.abort(error.status, f"{error.code}: {error.message}")
