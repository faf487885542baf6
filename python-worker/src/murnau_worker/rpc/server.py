"""The gRPC server: service, health, reflection, and an orderly end."""

from __future__ import annotations

import asyncio
import signal
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from murnau_worker.engine.engine import Engine
from murnau_worker.logs import get_logger
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2, worker_pb2_grpc
from murnau_worker.rpc.service import WorkerService

_health_aio: Any = getattr(health, "aio")  # noqa: B009 (grpcio-health-checking adds it at run time)
_MESSAGE_BYTES = 16 * 1024 * 1024  # a state or an embedding is at most 4 MiB, a picture of 2048 px a few more
_DRAIN_S = 10.0  # how long runs have to reach a checkpoint at shutdown
SERVICE_NAME: str = worker_pb2.DESCRIPTOR.services_by_name["WorkerService"].full_name


class WorkerServer:
    """A server on one engine. `port` is the one bound, which differs from the one asked for when that was 0."""

    def __init__(self, engine: Engine, listen: str) -> None:
        self.engine = engine
        self._blobs = BlobCache()
        self._server = grpc.aio.server(
            options=[
                ("grpc.max_receive_message_length", _MESSAGE_BYTES),
                ("grpc.max_send_message_length", _MESSAGE_BYTES),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 500),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.max_ping_strikes", 0),
            ]
        )
        self._health: Any = _health_aio.HealthServicer()
        worker_pb2_grpc.add_WorkerServiceServicer_to_server(WorkerService(engine, self._blobs), self._server)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)
        reflection.enable_server_reflection([SERVICE_NAME, health.SERVICE_NAME, reflection.SERVICE_NAME], self._server)
        self.port: int = self._server.add_insecure_port(listen)

    async def start(self) -> None:
        self.engine.start()
        await self._server.start()
        for name in ("", SERVICE_NAME):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def stop(self, drain_s: float = _DRAIN_S) -> None:
        """Refuses new work, lets runs reach a checkpoint, then closes."""
        await self._health.enter_graceful_shutdown()
        self.engine.drain()
        await self._server.stop(drain_s)
        await asyncio.to_thread(self.engine.device.stop)
        self._blobs.close()

    async def wait(self) -> None:
        await self._server.wait_for_termination()


async def serve(engine: Engine, listen: str) -> None:
    """Serves until SIGTERM or SIGINT. Raises RuntimeError when the address can not be bound."""
    server = WorkerServer(engine, listen)
    await server.start()
    get_logger().info("serving", extra={"listen": listen, "port": server.port, "models": list(engine.models.served)})
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
    get_logger().info("draining")
    await server.stop()
