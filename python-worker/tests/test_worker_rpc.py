"""Converting, checking, uploading and describing over real gRPC."""

from __future__ import annotations

import hashlib
import io
from pathlib import Path
from typing import Any

import grpc
import pytest
import torch
from draw_client import code_of, embedding, images, run, text_to_image
from grpc_health.v1 import health_pb2, health_pb2_grpc
from worker_client import running_worker

from murnau_worker.families.embeddings import read_embedding
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.server import SERVICE_NAME
from murnau_worker.text.embedding_file import write_embedding


def test_embeddings_convert_both_ways(tiny_folder: Path) -> None:
    async def work() -> tuple[Any, Any]:
        async with running_worker(tiny_folder) as worker:
            to_bin = pb.ConvertEmbeddingRequest(
                file=write_embedding(embedding("sapsan")), to_format="bin", model="tiny"
            )
            converted = await worker.stub.ConvertEmbedding(to_bin)
            back = pb.ConvertEmbeddingRequest(
                file=converted.file,
                to_format="safetensors",
                model="tiny",
                placeholder_token="gribnik",
            )
            return converted, await worker.stub.ConvertEmbedding(back)

    converted, back = run(work())
    assert (converted.placeholder_token, converted.num_vectors, converted.step) == ("sapsan", 1, 3)
    assert (back.placeholder_token, back.pooling) == ("gribnik", "argmax")
    assert torch.equal(read_embedding(back.file).rows["t1"], embedding("sapsan").rows["t1"])


def test_a_pickle_that_wants_more_than_tensors_is_refused(tiny_folder: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (print, ("this must not run",))

    buffer = io.BytesIO()
    torch.save({"t1": {"sapsan": Evil()}, "t2": {}}, buffer)

    async def work() -> str:
        async with running_worker(tiny_folder) as worker:
            request = pb.ConvertEmbeddingRequest(file=buffer.getvalue(), to_format="safetensors")
            return await code_of(worker.stub.ConvertEmbedding(request))

    assert run(work()) == "embedding.unreadable"


def test_blobs_are_checked(tiny_folder: Path) -> None:
    async def work() -> tuple[list[str], str, list[str]]:
        async with running_worker(tiny_folder) as worker:
            large = bytes(range(256)) * 8192  # two chunks
            good, bad = hashlib.sha256(large).hexdigest(), "0" * 64
            half = len(large) // 2
            chunks = [
                pb.PutBlobsRequest(hash=good, chunk=large[:half]),
                pb.PutBlobsRequest(hash=good, chunk=large[half:], last=True),
            ]
            await worker.stub.PutBlobs(iter(chunks))
            refused = await code_of(worker.stub.PutBlobs(iter([pb.PutBlobsRequest(hash=bad, chunk=b"x", last=True)])))
            missing = await worker.stub.MissingBlobs(pb.MissingBlobsRequest(hashes=[bad, good]))
            return list(missing.hashes), refused, [bad]

    missing, refused, wanted = run(work())
    assert missing == wanted
    assert refused == "blob.corrupt"


def test_tokens_are_checked(tiny_folder: Path) -> None:
    async def work() -> list[list[str]]:
        async with running_worker(tiny_folder) as worker:
            pairs = [("sapsan", "train"), ("cat", "red train"), ("Sapsan", ""), ("", "locomotive")]
            answers = [
                await worker.stub.CheckTokens(
                    pb.CheckTokensRequest(model="tiny", placeholder_token=word, initializer_token=initializer)
                )
                for word, initializer in pairs
            ]
            return [[problem.code for problem in answer.problems] for answer in answers]

    assert run(work()) == [
        [],
        ["placeholder.known_word", "initializer.not_one_token"],
        ["placeholder.characters"],
        ["initializer.not_one_token"],
    ]


def test_initializers_are_checked_by_tower_and_vectors(tiny_folder: Path) -> None:
    asked = [
        {"initializer_token": "red train", "num_vectors": 2},
        {"initializer_token": "red blue train", "num_vectors": 2},
        {"initializer_token": "red train", "initializers": {"t1": "cat", "t2": "dog"}},
        {"initializer_token": "cat", "initializers": {"t2": "red dog"}},
        {"initializers": {"t1": "red dog", "t2": "blue cat"}},
        {"initializer_token": "\u2603", "num_vectors": 16},
    ]

    async def work() -> list[list[tuple[str, str]]]:
        async with running_worker(tiny_folder) as worker:
            answers = [
                await worker.stub.CheckTokens(pb.CheckTokensRequest(model="tiny", **fields))  # type: ignore[arg-type]
                for fields in asked
            ]
            return [[(problem.code, problem.field) for problem in answer.problems] for answer in answers]

    assert run(work()) == [
        [],
        [("initializer.too_many_tokens", "spec.initializer_token")],
        [],
        [("initializer.not_one_token", "spec.initializer_t2")],
        [("initializer.not_one_token", "spec.initializer_t1"), ("initializer.not_one_token", "spec.initializer_t2")],
        [("initializer.not_one_token", "spec.initializer_token")],
    ]


def test_its_health_is_asked_for_by_the_name_that_it_was_given(
    tiny_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("MURNAU_HEALTH_NAME", "0123/worker-0")

    async def work() -> None:
        async with (
            running_worker(tiny_folder) as worker,
            grpc.aio.insecure_channel(f"127.0.0.1:{worker.server.port}") as channel,
        ):
            stub: Any = health_pb2_grpc.HealthStub(channel)
            own = await stub.Check(health_pb2.HealthCheckRequest(service="0123/worker-0"))
            assert own.status == health_pb2.HealthCheckResponse.SERVING
            with pytest.raises(grpc.aio.AioRpcError) as raised:
                await stub.Check(health_pb2.HealthCheckRequest(service="4567/worker-0"))
            assert raised.value.code() == grpc.StatusCode.NOT_FOUND

    run(work())


def test_the_worker_describes_itself_and_is_healthy(tiny_folder: Path) -> None:
    async def work() -> tuple[Any, Any]:
        async with running_worker(tiny_folder) as worker:
            await images(worker, text_to_image())
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{worker.server.port}")
            stub: Any = health_pb2_grpc.HealthStub(channel)
            health = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE_NAME))
            await channel.close()
            return await worker.stub.Describe(pb.DescribeRequest()), health

    described, health = run(work())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    model = described.models[0]
    assert (model.name, model.image_size, [tower.width for tower in model.towers]) == ("tiny", 16, [32, 32])
    assert model.loaded
    assert model.towers[0].vocabulary_rms > 0
    assert len(model.fingerprint) == 64
    assert described.slots == 4
    assert "threads 1" in described.numeric_fingerprint
