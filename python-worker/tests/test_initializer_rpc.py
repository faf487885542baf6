"""Runs of several vectors and runs that start from another embedding, over real gRPC."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest
import torch
from draw_client import embedding, images, run, text_to_image
from worker_client import detail_of, running_worker, start_message, train

from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.text.embedding_file import LearntEmbedding, read_canonical, write_embedding

FOUR = embedding("gribnik", seed=4, num_vectors=4)


def from_four(num_vectors: int = 4) -> pb.TrainStart:
    start = start_message(num_vectors=num_vectors, learning_rate_t1=1e-4, learning_rate_t2=1e-4)
    start.initializer_embedding = write_embedding(FOUR)
    return start


def test_a_run_starts_from_an_embedding_and_what_it_learns_draws(tiny_folder: Path) -> None:
    async def work() -> tuple[LearntEmbedding, list[bytes]]:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            stream = await train(worker, from_four())
            learnt = stream.checkpoints[8].embedding
            prompt, ref = "a photo of a sapsan in snow", pb.EmbeddingRef(file=learnt)
            requests = [text_to_image(prompt), text_to_image(prompt, embeddings=[ref])]
            return read_canonical(learnt), [(await images(worker, request))[0].png for request in requests]

    learnt, (plain, drawn) = run(work())
    assert learnt.num_vectors == 4
    assert torch.allclose(learnt.rows["t1"], FOUR.rows["t1"], atol=1e-4)
    assert torch.allclose(learnt.rows["t2"], FOUR.rows["t2"], atol=1e-4)
    assert not torch.equal(learnt.rows["t1"], FOUR.rows["t1"])
    assert plain != drawn


@pytest.mark.parametrize(
    ("file", "num_vectors", "code", "field"),
    [
        (write_embedding(FOUR), 2, "spec.invalid", "spec.num_vectors"),
        (write_embedding(embedding("gribnik", width=8)), 1, "embedding.wrong_model", "start.initializer_embedding"),
        (b"no embedding", 1, "embedding.unreadable", "start.initializer_embedding"),
    ],
)
def test_an_embedding_that_does_not_fit_is_refused(
    tiny_folder: Path, file: bytes, num_vectors: int, code: str, field: str
) -> None:
    async def work() -> pb.ErrorDetail:
        async with running_worker(tiny_folder) as worker:
            await worker.put()
            start = from_four(num_vectors)
            start.initializer_embedding = file
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await train(worker, start)
            return detail_of(refused.value)

    detail = run(work())
    assert (detail.code, detail.field) == (code, field)
