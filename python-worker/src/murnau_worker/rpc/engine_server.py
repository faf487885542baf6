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
from murnau_worker.sessions.segment import LARGEST_STATE_BYTES

# A state with its embedding, or a picture of 4096 × 4096 pixels of noise (48 MiB); libs/gpu-client takes as much.
MESSAGE_BYTES = LARGEST_STATE_BYTES + 16 * 1024 * 1024
LONGEST_TEXT = 10_000  # characters: of a prompt, as in libs/domain
_DRAIN_S = 10.0  # how long runs have to reach a checkpoint at shutdown
_HEARD_S = 0.2  # for those that watch its health
_REFUSAL_S = 1.0  # how long the end of a process waits until its health says so
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
        self._listener = Listener(listen, SERVICE_NAME, message_bytes=MESSAGE_BYTES, longest_text=LONGEST_TEXT)
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(service(engine, self._blobs), self._listener.grpc)
        self.port = self._listener.port

    async def start(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.engine.start()
        await self._listener.start()

    def refuse_at_once(self) -> None:
        """Called on another thread, by which the process is about to end: health says NOT_SERVING before it does."""

        async def refuse() -> None:
            await self._listener.refuse()
            await asyncio.sleep(_HEARD_S)

        asyncio.run_coroutine_threadsafe(refuse(), self._loop).result(_REFUSAL_S)

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
