"""What every gRPC server here has: one port, health, reflection, and an orderly end. Loads neither torch nor optuna."""

from __future__ import annotations

import asyncio
import os
import signal
from typing import Any

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection

from murnau_worker.rpc.checked_calls import CheckedCalls

_health_aio: Any = getattr(health, "aio")  # noqa: B009 (grpcio-health-checking adds it at run time)


class Listener:
    """A server that serves one service beside health and reflection.

    Its health is asked for under no name, under the service's, and under `$MURNAU_HEALTH_NAME`, by which its
    supervisor tells it from another server on the same port. `grpc` is what the service is added to. `port` is the one
    bound, which differs from the one asked for when that was 0. Raises RuntimeError when the address can not be bound.
    """

    def __init__(self, listen: str, service_name: str, *, message_bytes: int, longest_text: int) -> None:
        """`longest_text`: characters of each text of a request."""
        self._service_name = service_name
        self.grpc = grpc.aio.server(
            interceptors=[CheckedCalls(service_name, longest_text)],
            options=[
                ("grpc.max_receive_message_length", message_bytes),
                ("grpc.max_send_message_length", message_bytes),
                ("grpc.so_reuseport", 0),
                ("grpc.http2.min_recv_ping_interval_without_data_ms", 500),
                ("grpc.keepalive_permit_without_calls", 1),
                ("grpc.http2.max_ping_strikes", 0),
            ],
        )
        self._health: Any = _health_aio.HealthServicer()
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self.grpc)
        reflection.enable_server_reflection([service_name, health.SERVICE_NAME, reflection.SERVICE_NAME], self.grpc)
        self.port: int = self.grpc.add_insecure_port(listen)

    async def start(self) -> None:
        await self.grpc.start()
        for name in ("", self._service_name, os.environ.get("MURNAU_HEALTH_NAME", "")):
            await self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    async def refuse(self) -> None:
        """From now on health says NOT_SERVING."""
        await self._health.enter_graceful_shutdown()

    async def stop(self, grace_s: float) -> None:
        """Takes no new call and gives the open ones this long."""
        await self.grpc.stop(grace_s)


async def until_told_to_stop() -> None:
    """Returns at SIGTERM or SIGINT."""
    stopping = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopping.set)
    await stopping.wait()
