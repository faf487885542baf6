"""The advisor's gRPC service and server: reads a request, computes its answer on one thread, keeps nothing."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

import grpc

from murnau_worker.advisor.importance import NEEDED_TRIALS, finished_trials, importance
from murnau_worker.advisor.suggest import suggest
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.rpc.advisor_requests import read_forbidden, read_history, read_space
from murnau_worker.rpc.gen.murnau.advisor.v1 import advisor_pb2 as pb
from murnau_worker.rpc.gen.murnau.advisor.v1 import advisor_pb2_grpc
from murnau_worker.rpc.listener import Listener, until_told_to_stop
from murnau_worker.rpc.status import abort

Context = grpc.aio.ServicerContext[Any, Any]
Answer = TypeVar("Answer")

SERVICE_NAME: str = pb.DESCRIPTOR.services_by_name["AdvisorService"].full_name
_MESSAGE_BYTES = 128 * 1024 * 1024  # 100,000 past trials of a kilobyte each
_LONGEST_TEXT = 100_000  # characters: of a trial's parameters as JSON
_GRACE_S = 5.0  # how long open calls have at shutdown


def _suggest(request: pb.SuggestRequest) -> pb.SuggestResponse:
    suggestions = suggest(
        read_space(request.parameters),
        read_history(request.history),
        trial=request.trial,
        count=request.count,
        seed=request.seed,
        maximize=request.maximize,
        forbidden=read_forbidden(request.forbidden),
    )
    return pb.SuggestResponse(parameters_json=[json.dumps(one, ensure_ascii=False) for one in suggestions])


def _importance(request: pb.ImportanceRequest) -> pb.ImportanceResponse:
    history = read_history(request.history)
    shares = importance(read_space(request.parameters), history, maximize=request.maximize)
    return pb.ImportanceResponse(
        importances=[pb.ParameterImportance(name=name, share=share) for name, share in shares.items()],
        finished_trials=finished_trials(history),
        needed_trials=NEEDED_TRIALS,
    )


class AdvisorService(advisor_pb2_grpc.AdvisorServiceServicer):
    """Implements `murnau.advisor.v1.AdvisorService`. Answers one request after the other: each uses one core whole."""

    def __init__(self) -> None:
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="advisor")

    def close(self) -> None:
        self._thread.shutdown(cancel_futures=True)

    async def Suggest(self, request: pb.SuggestRequest, context: Context) -> pb.SuggestResponse:
        return await self._answer("Suggest", context, lambda: _suggest(request))

    async def Importance(self, request: pb.ImportanceRequest, context: Context) -> pb.ImportanceResponse:
        return await self._answer("Importance", context, lambda: _importance(request))

    async def _answer(self, method: str, context: Context, compute: Callable[[], Answer]) -> Answer:
        begun = time.monotonic()
        try:
            answer = await asyncio.get_running_loop().run_in_executor(self._thread, compute)
        except WorkerError as error:
            get_logger().warning(error.message, extra={"code": error.code, "field": error.field, "method": method})
            await abort(context, error)
            raise
        get_logger().debug("answered", extra={"method": method, "took_s": round(time.monotonic() - begun, 3)})
        return answer


class AdvisorServer:
    """`port` is the one bound, which differs from the one asked for when that was 0."""

    def __init__(self, listen: str) -> None:
        self._service = AdvisorService()
        self._listener = Listener(listen, SERVICE_NAME, message_bytes=_MESSAGE_BYTES, longest_text=_LONGEST_TEXT)
        advisor_pb2_grpc.add_AdvisorServiceServicer_to_server(self._service, self._listener.grpc)
        self.port = self._listener.port

    async def start(self) -> None:
        await self._listener.start()

    async def stop(self, grace_s: float = _GRACE_S) -> None:
        await self._listener.refuse()
        await self._listener.stop(grace_s)
        self._service.close()


async def serve(listen: str) -> None:
    """Serves until SIGTERM or SIGINT. Raises RuntimeError when the address can not be bound."""
    server = AdvisorServer(listen)
    await server.start()
    get_logger().info("serving", extra={"listen": listen, "port": server.port})
    await until_told_to_stop()
    get_logger().info("stopping")
    await server.stop()
