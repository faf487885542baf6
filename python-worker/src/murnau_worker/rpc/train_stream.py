"""The Train stream: reads the client's acknowledgements and pings, writes the session's events and `alive`."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any, Generic

import grpc

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.read_requests import read_start
from murnau_worker.rpc.status import abort, on_done
from murnau_worker.rpc.training_engine import TrainingEngine
from murnau_worker.rpc.write_responses import write_train_event
from murnau_worker.sessions.events import Alive, Finished, TrainEvent
from murnau_worker.sessions.lease import SILENCE_LIMIT_S
from murnau_worker.sessions.session_book import SessionT

_ALIVE_EVERY_S = 1.0
_SILENCE_CHECK_S = 0.25

Outgoing = TrainEvent | WorkerError


class TrainStream(Generic[SessionT]):
    """One stream. Everything here runs on the asyncio loop; the session calls `emit` and `fail` from its thread."""

    def __init__(
        self, engine: TrainingEngine[SessionT], blobs: BlobCache, context: grpc.aio.ServicerContext[Any, Any]
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._outgoing: asyncio.Queue[Outgoing] = asyncio.Queue()

    def _put(self, item: Outgoing) -> None:
        """Called on any thread. A closed loop (shutdown) has nobody to tell."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(self._outgoing.put_nowait, item)

    async def responses(self, requests: AsyncIterator[pb.TrainRequest]) -> AsyncIterator[pb.TrainResponse]:
        session: SessionT | None = None
        tasks: list[asyncio.Task[None]] = []
        try:
            session = await self._open(requests)
            opened = session
            on_done(self._context, lambda: self._engine.close_training(opened))
            tasks = [asyncio.create_task(work) for work in (self._listen(requests, session), self._keep_alive(session))]
            while True:
                item = await self._outgoing.get()
                if isinstance(item, WorkerError):
                    raise item
                yield write_train_event(item)
                if isinstance(item, Finished):
                    return
        except WorkerError as error:
            run_id = session.request.run_id if session else ""
            get_logger().warning(error.message, extra={"code": error.code, "run_id": run_id})
            if session is not None:
                self._engine.close_training(session)
            await abort(self._context, error)
        finally:
            for task in tasks:
                task.cancel()
            if session is not None:
                self._engine.close_training(session)

    async def _open(self, requests: AsyncIterator[pb.TrainRequest]) -> SessionT:
        try:
            first = await asyncio.wait_for(anext(aiter(requests)), SILENCE_LIMIT_S)
        except (StopAsyncIteration, TimeoutError) as error:
            raise WorkerError("spec.invalid", "the stream brought no start message", field="start") from error
        if first.WhichOneof("message") != "start":
            raise WorkerError("spec.invalid", "a stream's first message is `start`", field="start")
        segment = await asyncio.to_thread(read_start, first.start, self._blobs, self._engine.family_of)
        session = self._engine.open_training(segment, self._put, self._put)
        get_logger().info(
            "training opened",
            extra={"run_id": segment.run_id, "epoch": segment.epoch, "until_step": segment.until_step},
        )
        return session

    async def _listen(self, requests: AsyncIterator[pb.TrainRequest], session: SessionT) -> None:
        """Takes acknowledgements; any message keeps the lease. A client that half-closes only falls silent."""
        async for message in requests:
            session.lease.renew()
            if message.WhichOneof("message") == "acknowledged":
                session.lease.acknowledge(message.acknowledged.step)
                self._engine.device.wake()

    async def _keep_alive(self, session: SessionT) -> None:
        """Says `alive` each second and ends the session when its client is silent."""
        next_alive = self._loop.time()
        while True:
            if session.lease.is_silent:
                self._put(WorkerError("worker.lost", f"the client was silent for {SILENCE_LIMIT_S:g} s"))
                return
            if self._loop.time() >= next_alive:
                next_alive += _ALIVE_EVERY_S
                age = self._engine.device.progress_age_s
                self._outgoing.put_nowait(Alive(session.step, age, session.phase, session.rate.per_second))
            await asyncio.sleep(_SILENCE_CHECK_S)
            session.lease.add_silence(_SILENCE_CHECK_S)
