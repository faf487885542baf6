"""Recorded drawings through the worker's own door: gRPC request in, PNG out, by the noise of recorded_worker.py."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import grpc
import numpy as np
from draw_client import images, pixels, put, run
from PIL import Image
from recorded_worker import recorded_engine, recorded_runs, write_expected
from worker_client import Worker

from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2_grpc
from murnau_worker.rpc.server import WorkerServer


async def request_of(asked: dict[str, Any], out: Path, worker: Worker) -> Any:
    common = ("model", "count", "seed", "num_steps", "guidance_scale", "sampler", "width", "height")
    options = pb.DrawOptions(**{name: asked[name] for name in common})
    options.family_options.update(asked["options"])
    fields: dict[str, Any] = {"options": options, "prompt": asked["prompt"]}
    if asked["task"] == "text2img":
        return pb.TextToImageRequest(**fields)
    fields["image_hash"] = await put(worker, (out / "picture.png").read_bytes())
    if asked["task"] == "img2img":
        return pb.ImageToImageRequest(**fields, strength=asked["strength"])
    return pb.InpaintRequest(**fields, mask_hash=await put(worker, (out / "mask.png").read_bytes()))


def test_every_recorded_picture_comes_out_of_the_worker(tmp_path: Path) -> None:
    write_expected(tmp_path)
    requests: list[dict[str, Any]] = json.loads((tmp_path / "requests.json").read_text())
    assert len(requests) == len(recorded_runs()) == 11

    async def work() -> list[list[np.ndarray[Any, Any]]]:
        server = WorkerServer(recorded_engine(tmp_path / "model"), "127.0.0.1:0")
        await server.start()
        async with grpc.aio.insecure_channel(f"127.0.0.1:{server.port}") as channel:
            worker = Worker(server, worker_pb2_grpc.WorkerServiceStub(channel))
            drawn = [
                [pixels(image) for image in await images(worker, await request_of(asked, tmp_path, worker))]
                for asked in requests
            ]
            await server.stop(drain_s=0.1)
        return drawn

    for asked, drawn in zip(requests, run(work()), strict=True):
        assert len(drawn) == asked["count"]
        for picture, file in zip(drawn, asked["files"], strict=True):
            wanted = np.asarray(Image.open(tmp_path / file)).astype(int)
            assert np.abs(picture - wanted).max() <= 1, file
