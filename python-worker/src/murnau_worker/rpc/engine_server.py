"""A gRPC server of one engine, real or simulated, and an orderly end. Loads no torch."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, Generic, TypeVar

from murnau_worker.core.logs import get_logger
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2, worker_pb2_grpc
from murnau_worker.rpc.listener import Listener, until_told_to_stop
from murnau_worker.rpc.training_engine import TrainingEngine

_MESSAGE_BYTES = 16 * 1024 * 1024  # a state or an embedding is at most 4 MiB, a picture of 2048 px a few more
_DRAIN_S = 10.0  # how long runs have to reach a checkpoint at shutdown
SERVICE_NAME: str = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"].full_name

EngineT = TypeVar("EngineT", bound=TrainingEngine[Any])


class EngineServer(Generic[EngineT]):
    """A server on one engine. `port` is the one bound, which differs from the one asked for when that was 0."""

    def __init__(
        self,
        engine: EngineT,
        service: Callable[[EngineT, BlobCache], worker_pb2_grpc.WorkerServiceServicer],
        listen: str,
    ) -> None:
        self.engine = engine
        self._blobs = BlobCache()
        self._listener = Listener(listen, SERVICE_NAME, message_bytes=_MESSAGE_BYTES)
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(service(engine, self._blobs), self._listener.grpc)
        self.port = self._listener.port

    async def start(self) -> None:
        self.engine.start()
        await self._listener.start()

    async def stop(self, drain_s: float = _DRAIN_S) -> None:
        """Refuses new work, lets runs reach a checkpoint, then closes."""
        await self._listener.refuse()
        self.engine.drain()
        await self._listener.stop(drain_s)
        await asyncio.to_thread(self.engine.device.stop)
        self._blobs.close()

    async def wait(self) -> None:
        await self._listener.grpc.wait_for_termination()


async def serve_engine(server: EngineServer[Any], listen: str, models: Sequence[str]) -> None:
    """Serves until SIGTERM or SIGINT."""
    await server.start()
    get_logger().info("serving", extra={"listen": listen, "port": server.port, "models": list(models)})
    await until_told_to_stop()
    get_logger().info("draining")
    await server.stop()
