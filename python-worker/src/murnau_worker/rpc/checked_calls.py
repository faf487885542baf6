"""Around every call of a service: what is asked must be readable text, and whatever is raised has a code."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import DecodeError, Message

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.rpc.odd_text import check_text
from murnau_worker.rpc.refusal import invalid
from murnau_worker.rpc.status import abort

Context = grpc.aio.ServicerContext[Any, Any]


class CheckedCalls(grpc.aio.ServerInterceptor):
    """Refuses requests by `check_text`, and ends calls with the status and the details of what they raise."""

    def __init__(self, service_name: str, longest_text: int) -> None:
        """`longest_text`: characters of each text of a request."""
        self._prefix = f"/{service_name}/"
        self._longest_text = longest_text

    async def intercept_service(
        self, continuation: Callable[[grpc.HandlerCallDetails], Awaitable[Any]], handler_call_details: Any
    ) -> Any:
        handler = await continuation(handler_call_details)
        if handler is None or not handler_call_details.method.startswith(self._prefix):
            return handler
        coders: dict[str, Any] = {
            "request_deserializer": _or_none(handler.request_deserializer),
            "response_serializer": handler.response_serializer,
        }
        read = self._read_each if handler.request_streaming else self._read
        if handler.response_streaming:
            respond = handler.stream_stream or handler.unary_stream
            wrap = (
                grpc.stream_stream_rpc_method_handler
                if handler.request_streaming
                else grpc.unary_stream_rpc_method_handler
            )
            return wrap(_streaming(respond, read), **coders)
        answer = handler.stream_unary or handler.unary_unary
        wrap = (
            grpc.stream_unary_rpc_method_handler if handler.request_streaming else grpc.unary_unary_rpc_method_handler
        )
        return wrap(_answering(answer, read), **coders)

    def _read(self, request: Message | None) -> Message:
        if request is None:
            raise invalid("", "the message can not be read: its text is no UTF-8, or it is of another protocol")
        check_text(request, self._longest_text)
        return request

    async def _read_each(self, requests: AsyncIterator[Message | None]) -> AsyncIterator[Message]:
        async for request in requests:
            yield self._read(request)


def _or_none(deserialize: Callable[[bytes], Message]) -> Callable[[bytes], Message | None]:
    def read(content: bytes) -> Message | None:
        try:
            return deserialize(content)
        except DecodeError:
            return None

    return read


def _streaming(respond: Callable[[Any, Context], Any], read: Callable[[Any], Any]) -> Callable[[Any, Context], Any]:
    async def call(request: Any, context: Context) -> AsyncIterator[Any]:
        async with _coded(context), contextlib.aclosing(respond(read(request), context)) as responses:
            async for response in responses:
                yield response

    return call


def _answering(
    answer: Callable[[Any, Context], Awaitable[Any]], read: Callable[[Any], Any]
) -> Callable[[Any, Context], Awaitable[Any]]:
    async def call(request: Any, context: Context) -> Any:
        async with _coded(context):
            return await answer(read(request), context)

    return call


@contextlib.asynccontextmanager
async def _coded(context: Context) -> AsyncGenerator[None]:
    """Ends the call with what is raised inside: an unforeseen error is `internal`, and said in the log."""
    try:
        yield
    except grpc.aio.AbortError:
        raise
    except WorkerError as error:
        await abort(context, error)
    except Exception as error:
        if context.done():
            raise
        get_logger().error("unexpected error in a call", exc_info=error)
        await abort(context, WorkerError("internal", f"{type(error).__name__}: {str(error)[:300]}"))
