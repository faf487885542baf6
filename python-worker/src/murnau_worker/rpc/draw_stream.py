"""A drawing call: reads the request off the loop, opens a session, writes its events and repeats the last progress."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.engine.drawing_session import DrawSession
from murnau_worker.engine.engine import Engine
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.read_drawing import DRAWING_CALLS, read_drawing
from murnau_worker.rpc.status import abort, on_done
from murnau_worker.rpc.write_responses import write_draw_event
from murnau_worker.sessions.events import DrawSessionEvent

_PROGRESS_EVERY_S = 1.0

Outgoing = DrawSessionEvent | WorkerError | None  # None: all is drawn


async def draw_responses(
    engine: Engine, blobs: BlobCache, request: Any, context: grpc.aio.ServicerContext[Any, Any]
) -> AsyncIterator[Any]:
    """Yields the call's response messages; an error ends the call with its status."""
    loop = asyncio.get_running_loop()
    outgoing: asyncio.Queue[Outgoing] = asyncio.Queue()
    respond = DRAWING_CALLS[type(request)].response

    def put(item: Outgoing) -> None:
        """Called on any thread. A closed loop (shutdown) has nobody to tell."""
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(outgoing.put_nowait, item)

    session: DrawSession | None = None
    try:
        job = await asyncio.to_thread(read_drawing, request, blobs, engine.family_of)
        session = opened = engine.open_drawing(job, put, put, lambda: put(None))
        on_done(context, lambda: engine.close_drawing(opened))
        get_logger().info(
            "drawing opened",
            extra={
                "generation_id": request.options.generation_id,
                "task": job.task.name,
                "count": len(job.seeds),
            },
        )
        while True:
            try:
                item = await asyncio.wait_for(outgoing.get(), _PROGRESS_EVERY_S)
            except TimeoutError:
                item = session.latest
            if item is None:
                return
            if isinstance(item, WorkerError):
                raise item
            yield respond(event=write_draw_event(item))
    except WorkerError as error:
        get_logger().warning(error.message, extra={"code": error.code, "generation_id": request.options.generation_id})
        await abort(context, error)
    finally:
        if session is not None:
            engine.close_drawing(session)
