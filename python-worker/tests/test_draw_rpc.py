"""Drawing, converting and checking over real gRPC."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from grpc_health.v1 import health_pb2, health_pb2_grpc
from PIL import Image
from worker_client import Worker, detail_of, running_worker

from murnau_worker.checkpoints.embedding_file import LearntEmbedding, read_embedding, write_embedding
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.server import SERVICE_NAME


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


def embedding(word: str, seed: int = 0, width: int = 32) -> LearntEmbedding:
    rows = torch.randn(2, 1, width, generator=torch.Generator().manual_seed(seed)) * 0.02
    return LearntEmbedding(word, rows[0], rows[1], initializer_token="train", step=3)


async def draw(worker: Worker, **fields: Any) -> list[Any]:
    values: dict[str, Any] = {"model": "tiny", "prompt": "a photo of a cat", "count": 1, "seed": 3, **fields}
    request = pb.GenerateRequest(**values)
    events = [event async for event in worker.stub.Generate(request)]
    return [event.image for event in events if event.WhichOneof("event") == "image"]


def pixels(image: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image.png)), dtype=np.int16)


async def code_of(work: Coroutine[Any, Any, Any]) -> str:
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await work
    return detail_of(error.value).code


@pytest.mark.parametrize("sampler", ["ddim_sampler", "p_sampler"])
def test_a_picture_drawn_with_others_is_the_one_drawn_alone(tiny_folder: Path, sampler: str) -> None:
    async def work() -> tuple[list[Any], list[Any], list[Any]]:
        async with running_worker(tiny_folder) as worker:
            together = await draw(worker, count=5, sampler=sampler)
            alone = await draw(worker, seed=5, sampler=sampler)
            return together, alone, await draw(worker, seed=5, sampler=sampler)

    together, alone, again = run(work())
    assert [image.position for image in together] == [0, 1, 2, 3, 4]
    assert [image.seed for image in together] == [3, 4, 5, 6, 7]
    assert np.abs(pixels(together[2]) - pixels(alone[0])).max() <= 1
    assert alone[0].png == again[0].png
    assert alone[0].png != together[0].png


def test_learnt_words_change_the_picture_and_others_do_not(tiny_folder: Path) -> None:
    async def work() -> list[bytes]:
        async with running_worker(tiny_folder) as worker:
            first = pb.EmbeddingRef(file=write_embedding(embedding("sapsan", 1)))
            other = pb.EmbeddingRef(file=write_embedding(embedding("gribnik", 2)))
            prompt = "a photo of a sapsan"
            requests: list[dict[str, Any]] = [
                {"prompt": prompt},
                {"prompt": prompt, "embeddings": [first]},
                {"prompt": prompt, "embeddings": [first, other]},
                {"prompt": "a photo of a sapsan on a gribnik", "embeddings": [first, other]},
            ]
            return [(await draw(worker, **request))[0].png for request in requests]

    unknown, learnt, with_unused, both = run(work())
    assert unknown != learnt
    assert learnt == with_unused
    assert both != learnt


def test_sizes_and_negative_prompts(tiny_folder: Path) -> None:
    async def work() -> tuple[tuple[int, int], bool, bool]:
        async with running_worker(tiny_folder) as worker:
            plain = (await draw(worker))[0]
            wide = (await draw(worker, width=30, height=20))[0]
            no_blue = (await draw(worker, negative_prior_prompt="blue"))[0]
            no_red = (await draw(worker, negative_decoder_prompt="red"))[0]
            return Image.open(io.BytesIO(wide.png)).size, no_blue.png != plain.png, no_red.png != plain.png

    assert run(work()) == ((30, 20), True, True)


def test_bad_requests_are_refused(tiny_folder: Path) -> None:
    async def work() -> list[str]:
        async with running_worker(tiny_folder) as worker:
            word = pb.EmbeddingRef(file=write_embedding(embedding("sapsan")))
            wide = pb.EmbeddingRef(file=write_embedding(embedding("sapsan", width=48)))
            return [
                await code_of(draw(worker, model="nope")),
                await code_of(draw(worker, count=0)),
                await code_of(draw(worker, num_steps=1001)),
                await code_of(draw(worker, sampler="magic")),
                await code_of(draw(worker, embeddings=[word, word])),
                await code_of(draw(worker, embeddings=[wide])),
                await code_of(draw(worker, embeddings=[pb.EmbeddingRef(file=b"nothing")])),
            ]

    assert run(work()) == [
        "model.not_served",
        "spec.invalid",
        "spec.invalid",
        "spec.invalid",
        "embedding.placeholder_clash",
        "embedding.wrong_model",
        "embedding.unreadable",
    ]


def test_cancelling_a_generation_stops_it(tiny_folder: Path) -> None:
    async def work() -> int:
        async with running_worker(tiny_folder) as worker:
            call = worker.stub.Generate(
                pb.GenerateRequest(model="tiny", prompt="a cat", count=64, seed=0, num_steps=1000)
            )
            async for event in call:
                if event.progress.phase == "decoder":
                    call.cancel()
                    break
            for _ in range(100):
                await asyncio.sleep(0.05)
                described = await worker.stub.Describe(pb.DescribeRequest())
                if described.generating == 0:
                    return 0
            return 1

    assert run(work()) == 0


def test_embeddings_convert_both_ways(tiny_folder: Path) -> None:
    async def work() -> tuple[Any, Any]:
        async with running_worker(tiny_folder) as worker:
            to_bin = pb.ConvertEmbeddingRequest(
                file=write_embedding(embedding("sapsan")), to_format=pb.EMBEDDING_FORMAT_REFERENCE_BIN, model="tiny"
            )
            converted = await worker.stub.ConvertEmbedding(to_bin)
            back = pb.ConvertEmbeddingRequest(
                file=converted.file,
                to_format=pb.EMBEDDING_FORMAT_SAFETENSORS,
                model="tiny",
                placeholder_token="gribnik",
            )
            return converted, await worker.stub.ConvertEmbedding(back)

    converted, back = run(work())
    assert (converted.placeholder_token, converted.num_vectors, converted.step) == ("sapsan", 1, 3)
    assert (back.placeholder_token, back.pooling) == ("gribnik", pb.POOLING_ARGMAX)
    assert torch.equal(read_embedding(back.file).t1_RD, embedding("sapsan").t1_RD)


def test_a_pickle_that_wants_more_than_tensors_is_refused(tiny_folder: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[Any, ...]:
            return (print, ("this must not run",))

    buffer = io.BytesIO()
    torch.save({"t1": {"sapsan": Evil()}, "t2": {}}, buffer)

    async def work() -> str:
        async with running_worker(tiny_folder) as worker:
            request = pb.ConvertEmbeddingRequest(file=buffer.getvalue(), to_format=pb.EMBEDDING_FORMAT_SAFETENSORS)
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


def test_the_worker_describes_itself_and_is_healthy(tiny_folder: Path) -> None:
    async def work() -> tuple[Any, Any]:
        async with running_worker(tiny_folder) as worker:
            await draw(worker)
            channel = grpc.aio.insecure_channel(f"127.0.0.1:{worker.server.port}")
            stub: Any = health_pb2_grpc.HealthStub(channel)
            health = await stub.Check(health_pb2.HealthCheckRequest(service=SERVICE_NAME))
            await channel.close()
            return await worker.stub.Describe(pb.DescribeRequest()), health

    described, health = run(work())
    assert health.status == health_pb2.HealthCheckResponse.SERVING
    model = described.models[0]
    assert (model.name, model.image_size, model.width_t1, model.width_t2) == ("tiny", 16, 32, 32)
    assert model.loaded
    assert model.vocabulary_rms_t1 > 0
    assert len(model.fingerprint) == 64
    assert described.slots == 4
    assert "threads 1" in described.numeric_fingerprint
