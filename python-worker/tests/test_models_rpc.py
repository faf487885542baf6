"""Models as the worker describes them, over real gRPC."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import pytest
from model_folders import linked_copy
from worker_client import detail_of, running_worker, start_message, train

from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb


async def described(worker: Any, until_loaded: bool) -> Any:
    for _ in range(200):
        response = await worker.stub.Describe(pb.DescribeRequest())
        model = response.models[0]
        if model.loaded or not until_loaded:
            return model
        await asyncio.sleep(0.05)
    raise AssertionError("the model was not loaded at the start")


def test_parts_and_tasks_are_described(tiny_folder: Path) -> None:
    async def work() -> Any:
        async with running_worker(tiny_folder) as worker:
            return await described(worker, until_loaded=True)

    model = asyncio.run(asyncio.wait_for(work(), 60))
    assert list(model.tasks) == ["train", "text2img", "fuse", "inpaint", "img2img"]
    assert model.dtype == "float32"
    names = ["text_encoder", "clip_text", "clip_image", "prior", "unet", "inpaint_unet", "movq"]
    assert [part.name for part in model.parts] == names
    assert not next(part for part in model.parts if part.name == "inpaint_unet").loaded, "nobody asked for it yet"
    assert all(part.size_bytes > 0 for part in model.parts if part.loaded)
    assert [(tower.name, tower.width) for tower in model.towers] == [("t1", 32), ("t2", 32)]
    assert model.image_size == 16
    assert model.towers[0].vocabulary_rms > 0
    assert dict(model.drawing_defaults) == {
        "num_steps": 4,
        "guidance_scale": 2.5,
        "prior_steps": "5",
        "prior_guidance_scale": 4.0,
    }


def test_a_damaged_part_fails_the_run_that_needs_it_and_nothing_else(tiny_folder: Path, tmp_path: Path) -> None:
    folder = linked_copy(tiny_folder, tmp_path / "model")
    path = folder / "kandinsky-2-1-prior" / "prior" / "diffusion_pytorch_model.safetensors"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content[:1000])

    async def work() -> tuple[Any, int, Any]:
        async with running_worker(folder) as worker:
            await worker.put()
            with pytest.raises(grpc.aio.AioRpcError) as error:
                await train(worker, start_message())
            after = await worker.stub.Describe(pb.DescribeRequest())
            return detail_of(error.value), after.running, after.models[0]

    detail, running, model = asyncio.run(asyncio.wait_for(work(), 60))
    assert detail.code == "model.unreadable"
    assert "prior" in detail.message
    assert running == 0
    assert not model.loaded
    assert model.towers[0].width == 32
