"""The goldens through the worker's own door: gRPC request in, PNG out, by the hooks of golden_worker.py."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from draw_client import images, pixels, put, run
from draw_client import options as draw_options
from golden_files import GOLDENS
from golden_worker import golden_engine, write_expected
from PIL import Image
from worker_client import Worker

from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2_grpc
from murnau_worker.rpc.server import WorkerServer

FOLDER = GOLDENS / "kandinsky-2.1"


async def request_of(asked: dict[str, Any], out: Path, worker: Worker) -> Any:
    options = draw_options(
        **{
            key: asked[key]
            for key in ("model", "count", "guidance_scale", "prior_steps", "prior_guidance_scale", "width", "height")
        },
        sampler=asked["sampler"],
        num_steps=asked["num_steps"],
        reference_quirks=asked["reference_quirks"],
        seed=11,
    )
    fields: dict[str, Any] = {"options": options, "prompt": asked["prompt"]}
    if asked["task"] == "text2img":
        return pb.TextToImageRequest(**fields)
    fields["image_hash"] = await put(worker, (out / "picture.png").read_bytes())
    if asked["task"] == "img2img":
        return pb.ImageToImageRequest(**fields, strength=asked["strength"])
    return pb.InpaintRequest(**fields, mask_hash=await put(worker, (out / "mask.png").read_bytes()))


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("expected")
    write_expected(FOLDER, out)
    return out


def test_every_golden_picture_comes_out_of_the_worker(expected: Path) -> None:
    asked: list[dict[str, Any]] = json.loads((expected / "requests.json").read_text())

    async def work() -> list[np.ndarray]:
        server = WorkerServer(golden_engine(FOLDER), "127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            worker = Worker(server, worker_pb2_grpc.WorkerServiceStub(channel))
            drawn = [(await images(worker, await request_of(one, expected, worker)))[0] for one in asked]
            await server.stop(drain_s=0.1)
        return [pixels(image) for image in drawn]

    assert len(asked) == 6
    for one, drawn in zip(asked, run(work()), strict=True):
        wanted = np.asarray(Image.open(io.BytesIO((expected / one["file"]).read_bytes())), dtype=np.int16)
        assert np.abs(drawn - wanted).max() <= 1, one["file"]
        assert wanted.std() > 10, one["file"]
