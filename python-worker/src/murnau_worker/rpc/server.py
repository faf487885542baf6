"""The worker's gRPC server."""

from __future__ import annotations

from murnau_worker.engine.engine import Engine
from murnau_worker.rpc.engine_server import SERVICE_NAME, EngineServer, serve_engine
from murnau_worker.rpc.service import WorkerService

__all__ = ["SERVICE_NAME", "WorkerServer", "serve"]


class WorkerServer(EngineServer[Engine]):
    """A server on one engine, see EngineServer."""

    def __init__(self, engine: Engine, listen: str) -> None:
        super().__init__(engine, WorkerService, listen)
        engine.device.before_exit = self.refuse_at_once


async def serve(engine: Engine, listen: str) -> None:
    """Serves until SIGTERM or SIGINT. Raises RuntimeError when the address can not be bound."""
    await serve_engine(WorkerServer(engine, listen), listen, list(engine.models.served))
