"""Bad input of the drawing calls: refused with its code and field, with nothing left running."""

from __future__ import annotations

import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
import torch
from draw_client import (
    colours,
    embedding,
    encoded,
    fuse,
    image_to_image,
    images,
    inpaint,
    mask,
    options,
    put,
    refusal,
    run,
    text_to_image,
)
from PIL import Image
from worker_client import Worker, running_worker

from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.text.embedding_file import write_embedding


def refusals(folder: Path, requests: Any) -> list[tuple[str, str]]:
    """Code and field of what each request is refused with; `requests` makes them from a worker."""

    async def work() -> list[tuple[str, str]]:
        async with running_worker(folder) as worker:
            found: list[tuple[str, str]] = []
            for request in await requests(worker):
                detail = await refusal(images(worker, request))
                found.append((detail.code, detail.field))
            described = await worker.stub.Describe(pb.DescribeRequest())
            assert described.generating == 0
            return found

    return run(work())


def test_options(tiny_folder: Path) -> None:
    word = pb.EmbeddingRef(file=write_embedding(embedding("sapsan")))
    wide = pb.EmbeddingRef(file=write_embedding(embedding("sapsan", width=48)))
    cases: list[tuple[dict[str, Any], str, str]] = [
        ({"model": "nope"}, "model.not_served", "spec.model"),
        ({"count": 0}, "spec.invalid", "options.count"),
        ({"count": 65}, "spec.invalid", "options.count"),
        ({"seed": 2**53}, "spec.invalid", "options.seed"),
        ({"num_steps": 1001}, "spec.invalid", "options.num_steps"),
        ({"num_steps": -1}, "spec.invalid", "options.num_steps"),
        ({"width": 4097}, "spec.invalid", "options.width"),
        ({"height": -5}, "spec.invalid", "options.height"),
        ({"guidance_scale": float("nan")}, "spec.invalid", "options.guidance_scale"),
        ({"sampler": "magic"}, "spec.invalid", "options.sampler"),
        ({"ddim_eta": 1.5}, "spec.invalid", "options.ddim_eta"),
        ({"ddim_eta": 0.5, "sampler": "plms_sampler"}, "spec.invalid", "options.ddim_eta"),
        *(
            ({"prior_steps": text}, "spec.invalid", "options.prior_steps")
            for text in ("many", "0", "1001", "ddim0", "ddim", "501,1", "-5", "5,", "0,0")
        ),
        ({"embeddings": [word, word]}, "embedding.placeholder_clash", "options.embeddings"),
        ({"embeddings": [wide]}, "embedding.wrong_model", ""),
        ({"embeddings": [pb.EmbeddingRef(file=b"nothing")]}, "embedding.unreadable", ""),
    ]

    async def requests(_: Worker) -> list[Any]:
        return [text_to_image(**fields) for fields, _, _ in cases]

    for (fields, code, field), (found_code, found_field) in zip(cases, refusals(tiny_folder, requests), strict=True):
        assert found_code == code, fields
        assert not field or found_field == field, fields


def test_messages_name_what_was_given_and_what_is_allowed(tiny_folder: Path) -> None:
    async def work() -> pb.ErrorDetail:
        async with running_worker(tiny_folder) as worker:
            return await refusal(images(worker, text_to_image(prior_steps="many")))

    detail = run(work())
    assert detail.given == "many"
    assert '"ddimN"' in detail.allowed
    assert '"10,5"' in detail.allowed


def test_fuse(tiny_folder: Path) -> None:
    async def requests(worker: Worker) -> list[Any]:
        return [
            await fuse(worker),
            await fuse(worker, *[("a cat", 1.0)] * 17),
            await fuse(worker, ("a cat", 0.5), ("a dog", -0.5)),
            await fuse(worker, ("a cat", float("nan"))),
            pb.FuseRequest(options=options(), items=[pb.FuseItem(weight=1)]),
            pb.FuseRequest(options=options(), items=[pb.FuseItem(image_hash="0" * 64, weight=1)]),
        ]

    assert refusals(tiny_folder, requests) == [
        ("spec.invalid", "items"),
        ("spec.invalid", "items"),
        ("spec.invalid", "items"),
        ("spec.invalid", "items[0].weight"),
        ("spec.invalid", "items[0]"),
        ("blob.not_found", "items[0].image_hash"),
    ]


@pytest.mark.parametrize("strength", [0.0, 1.0, -0.5, float("nan")])
def test_strength(tiny_folder: Path, strength: float) -> None:
    async def requests(worker: Worker) -> list[Any]:
        return [await image_to_image(worker, strength)]

    assert refusals(tiny_folder, requests) == [("spec.invalid", "strength")]


def test_masks(tiny_folder: Path) -> None:
    def levels(value: int) -> Image.Image:
        return Image.new("L", (32, 32), value)

    async def requests(worker: Worker) -> list[Any]:
        dot = levels(255)
        dot.putpixel((5, 5), 0)  # between the latents' cells
        return [
            await inpaint(worker, colours(), mask(33, 32)),
            await inpaint(worker, colours(), levels(255)),
            await inpaint(worker, colours(), levels(128)),
            await inpaint(worker, colours(), dot),
        ]

    assert refusals(tiny_folder, requests) == [
        ("mask.wrong_size", "mask_hash"),
        ("mask.empty", "mask_hash"),
        ("mask.empty", "mask_hash"),
        ("mask.empty", "mask_hash"),
    ]


def huge_png(side: int) -> bytes:
    """A PNG that says how large it is, and no more."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IDAT", b"") + chunk(b"IEND", b"")


def test_pictures(tiny_folder: Path) -> None:
    whole = encoded(colours())
    cases = [
        (b"no picture", "image.unreadable"),
        (whole[: len(whole) // 2], "image.unreadable"),
        (huge_png(30_000), "image.too_large"),
        (huge_png(9_000), "image.too_large"),
        (encoded(colours(0, 1, 1)), "image.too_small"),
    ]

    async def requests(worker: Worker) -> list[Any]:
        hashes = [await put(worker, content) for content, _ in cases]
        return [
            pb.ImageToImageRequest(options=options(), prompt="a cat", image_hash=blob_hash, strength=0.5)
            for blob_hash in hashes
        ]

    assert refusals(tiny_folder, requests) == [(code, "image_hash") for _, code in cases]


def test_a_model_without_an_inpainting_decoder(tiny_folder: Path, tmp_path: Path) -> None:
    for entry in tiny_folder.iterdir():
        if "inpaint" not in entry.name:
            (tmp_path / entry.name).symlink_to(entry)

    async def requests(worker: Worker) -> list[Any]:
        return [await inpaint(worker)]

    ((code, _),) = refusals(tmp_path, requests)
    assert code == "model.task_not_served"


def test_a_learnt_row_that_is_no_number_is_refused(tiny_folder: Path) -> None:
    broken = embedding("sapsan")
    broken.rows["t1"][0, 0] = torch.nan

    async def requests(_: Worker) -> list[Any]:
        return [text_to_image("a sapsan", embeddings=[pb.EmbeddingRef(file=write_embedding(broken))])]

    ((code, _),) = refusals(tiny_folder, requests)
    assert code == "embedding.unreadable"
