"""A client of the drawing calls on the tiny model."""

from __future__ import annotations

import asyncio
import hashlib
import io
from collections.abc import Awaitable, Coroutine
from typing import Any

import grpc
import numpy as np
import pytest
import torch
from PIL import Image
from worker_client import Worker, detail_of

from murnau_worker.families.kandinsky21.parameters import Kandinsky21Options
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.text.embedding_file import LearntEmbedding

SIDE = 32  # pixels of the pictures that tests draw upon


def run(work: Coroutine[Any, Any, Any]) -> Any:
    return asyncio.run(asyncio.wait_for(work, 120))


def embedding(
    word: str,
    seed: int = 0,
    width: int = 32,
    pooling: str = "eot",
    num_vectors: int = 1,
    model_fingerprint: str = "",
) -> LearntEmbedding:
    rows = torch.randn(2, num_vectors, width, generator=torch.Generator().manual_seed(seed)) * 0.02
    return LearntEmbedding(
        word,
        {"t1": rows[0], "t2": rows[1]},
        initializer_token="train",
        step=3,
        pooling=pooling,
        model_fingerprint=model_fingerprint,
    )


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def colours(seed: int = 0, width: int = SIDE, height: int = SIDE) -> Image.Image:
    """A picture of large random squares."""
    pixels = np.random.default_rng(seed).integers(0, 256, (4, 4, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.NEAREST)


def mask(width: int = SIDE, height: int = SIDE) -> Image.Image:
    """Keeps the left half."""
    levels = np.full((height, width), 255, dtype=np.uint8)
    levels[:, width // 2 :] = 0
    return Image.fromarray(levels)


async def put(worker: Worker, content: bytes) -> str:
    """Uploads a blob; its hash."""
    blob_hash = hashlib.sha256(content).hexdigest()
    await worker.stub.PutBlobs(iter([pb.PutBlobsRequest(hash=blob_hash, chunk=content, last=True)]))
    return blob_hash


async def events(worker: Worker, request: Any) -> list[tuple[str, Any]]:
    """All events of a call by kind."""
    method = getattr(worker.stub, type(request).__name__.removesuffix("Request"))
    found: list[tuple[str, Any]] = []
    async for response in method(request):
        kind: str = response.event.WhichOneof("event")
        found.append((kind, getattr(response.event, kind)))
    return found


async def images(worker: Worker, request: Any) -> list[Any]:
    return [event for kind, event in await events(worker, request) if kind == "image"]


def options(**fields: Any) -> pb.DrawOptions:
    values: dict[str, Any] = {"model": "tiny", "count": 1, "seed": 3, **fields}
    own = {name: values.pop(name) for name in list(values) if name in Kandinsky21Options.model_fields}
    own = {name: value for name, value in own.items() if value != ""}  # an empty prompt is not given
    message = pb.DrawOptions(**values)
    message.family_options.update(own)
    return message


def text_to_image(prompt: str = "a photo of a cat", **fields: Any) -> pb.TextToImageRequest:
    return pb.TextToImageRequest(options=options(**fields), prompt=prompt)


async def fuse(worker: Worker, *items: tuple[str | Image.Image, float], **fields: Any) -> pb.FuseRequest:
    """A request whose pictures are uploaded."""
    messages: list[pb.FuseItem] = []
    for content, weight in items:
        if isinstance(content, str):
            messages.append(pb.FuseItem(text=content, weight=weight))
        else:
            messages.append(pb.FuseItem(image_hash=await put(worker, encoded(content)), weight=weight))
    return pb.FuseRequest(options=options(**fields), items=messages)


async def inpaint(
    worker: Worker, picture: Image.Image | None = None, covering: Image.Image | None = None, **fields: Any
) -> pb.InpaintRequest:
    return pb.InpaintRequest(
        options=options(**fields),
        prompt="a photo of a cat",
        image_hash=await put(worker, encoded(picture or colours())),
        mask_hash=await put(worker, encoded(covering or mask())),
    )


async def image_to_image(
    worker: Worker, strength: float = 0.5, picture: Image.Image | None = None, **fields: Any
) -> pb.ImageToImageRequest:
    return pb.ImageToImageRequest(
        options=options(**fields),
        prompt="a photo of a cat",
        image_hash=await put(worker, encoded(picture or colours())),
        strength=strength,
    )


def pixels(image: Any) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(image.png)), dtype=np.int16)


async def refusal(work: Awaitable[Any]) -> pb.ErrorDetail:
    """What a call was refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as error:
        await work
    return detail_of(error.value)


async def code_of(work: Awaitable[Any]) -> str:
    return (await refusal(work)).code
