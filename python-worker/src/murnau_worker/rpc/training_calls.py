"""The calls of training and of the blobs that it needs, on any engine that trains. Loads no torch."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Generic

import grpc

from murnau_worker.rpc.blob_cache import BlobAssembly, BlobCache
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2_grpc
from murnau_worker.rpc.refusal import invalid
from murnau_worker.rpc.train_stream import TrainStream
from murnau_worker.rpc.training_engine import TrainingEngine
from murnau_worker.sessions.session_book import SessionT

_MOST_HASHES = 10_000

Context = grpc.aio.ServicerContext[Any, Any]


class TrainingCalls(worker_pb2_grpc.WorkerServiceServicer, Generic[SessionT]):
    """A part of `murnau.worker.v1.WorkerService`."""

    def __init__(self, engine: TrainingEngine[SessionT], blobs: BlobCache) -> None:
        self._trainer = engine
        self._blobs = blobs

    async def MissingBlobs(self, request: pb.MissingBlobsRequest, context: Context) -> pb.MissingBlobsResponse:
        count = len(request.hashes)
        if count > _MOST_HASHES:
            raise invalid("hashes", f"{count} blobs were asked for", count, f"at most {_MOST_HASHES}")
        return pb.MissingBlobsResponse(hashes=self._blobs.missing(list(request.hashes)))

    async def PutBlobs(
        self, request_iterator: AsyncIterator[pb.PutBlobsRequest], context: Context
    ) -> pb.PutBlobsResponse:
        assembly = BlobAssembly(self._blobs)
        async for message in request_iterator:
            assembly.add(message.hash, message.chunk, message.last)
        assembly.finish()
        return pb.PutBlobsResponse(received=assembly.received)

    async def Train(
        self, request_iterator: AsyncIterator[pb.TrainRequest], context: Context
    ) -> AsyncIterator[pb.TrainResponse]:
        stream = TrainStream(self._trainer, self._blobs, context)
        async with contextlib.aclosing(stream.responses(request_iterator)) as responses:  # type: ignore[type-var]
            async for response in responses:
                yield response
