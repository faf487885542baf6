"""Calls that answer once: none of them waits for the device, nor for a part of a model that is being read."""

from __future__ import annotations

import asyncio
import hashlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from draw_client import embedding, run
from worker_client import running_worker

from murnau_worker.core.errors import WorkerError
from murnau_worker.engine.device_thread import Turn
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.text.embedding_file import write_embedding

CONTENT = b"a blob"
REQUESTS: dict[str, Any] = {
    "Describe": pb.DescribeRequest(),
    "MissingBlobs": pb.MissingBlobsRequest(hashes=["0" * 64]),
    "PutBlobs": [pb.PutBlobsRequest(hash=hashlib.sha256(CONTENT).hexdigest(), chunk=CONTENT, last=True)],
    "ConvertEmbedding": pb.ConvertEmbeddingRequest(
        file=write_embedding(embedding("sapsan")), to_format="bin", model="tiny", placeholder_token="gribnik"
    ),
    "CheckTokens": pb.CheckTokensRequest(model="tiny", placeholder_token="sapsan", initializer_token="train"),
}


class Busy:
    """A turn that does not end before it is told to, with the models' parts locked as while one is read."""

    is_interactive = True

    def __init__(self, lock: Any) -> None:
        self.began = threading.Event()
        self.may_end = threading.Event()
        self._lock = lock

    def turns(self) -> Iterator[Turn]:
        with self._lock:
            self.began.set()
            self.may_end.wait(60)
        yield Turn.WORKED

    def fail(self, error: WorkerError) -> None: ...


def test_each_answers_while_the_device_is_busy(tiny_folder: Path) -> None:
    methods = pb.DESCRIPTOR.services_by_name["WorkerService"].methods
    assert set(REQUESTS) == {method.name for method in methods if not method.server_streaming}

    async def work() -> None:
        async with running_worker(tiny_folder) as worker:
            device = worker.server.engine.device
            model: Any = worker.server.engine.models.load("tiny")
            busy = Busy(model._store._lock)
            device.submit(busy)
            await asyncio.to_thread(busy.began.wait, 60)
            try:
                for name, request in REQUESTS.items():
                    call = getattr(worker.stub, name)(iter(request) if isinstance(request, list) else request)
                    await asyncio.wait_for(call, 30)
                assert not busy.may_end.is_set()
            finally:
                busy.may_end.set()

    run(work())


def test_too_many_blobs_at_once_are_refused(tiny_folder: Path) -> None:
    from draw_client import refusal

    async def work() -> pb.ErrorDetail:
        async with running_worker(tiny_folder) as worker:
            hashes = ["0" * 64] * 10_001
            return await refusal(worker.stub.MissingBlobs(pb.MissingBlobsRequest(hashes=hashes)))

    detail = run(work())
    assert (detail.code, detail.field, detail.allowed) == ("spec.invalid", "hashes", "at most 10000")
