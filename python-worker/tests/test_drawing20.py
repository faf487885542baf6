"""Kandinsky 2.0's drawing tasks over gRPC: every option of the original, its quirks and ours, and what is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from draw_client import colours, encoded, images, mask, pixels, put, run
from small20 import SIDE, load, write_small
from worker_client import Worker, detail_of, running_worker

from murnau_worker.families.kandinsky20.parameters import Kandinsky20Options
from murnau_worker.families.kandinsky20.thresholds import drawing_threshold
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.sampling.threshold import NO_THRESHOLD, Clamp, Percentile, Threshold

TASKS = ("text2img", "inpaint", "img2img")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small(tmp_path_factory.mktemp("small20") / "model")


def options(own: dict[str, Any], **fields: Any) -> pb.DrawOptions:
    values: dict[str, Any] = {"model": "small", "count": 1, "seed": 3, **fields}
    message = pb.DrawOptions(**values)
    message.family_options.update(own)
    return message


async def request_of(task: str, worker: Worker, own: dict[str, Any] | None = None, **fields: Any) -> Any:
    asked = options(own or {}, **fields)
    if task == "text2img":
        return pb.TextToImageRequest(options=asked, prompt="a red cat")
    picture = await put(worker, encoded(colours(1, 96, SIDE)))
    if task == "img2img":
        return pb.ImageToImageRequest(options=asked, prompt="a red cat", image_hash=picture, strength=0.4)
    covering = await put(worker, encoded(mask(96, SIDE)))
    return pb.InpaintRequest(options=asked, prompt="a red cat", image_hash=picture, mask_hash=covering)


def drawn(folder: Path, *asked: tuple[str, dict[str, Any], dict[str, Any]]) -> list[np.ndarray[Any, Any]]:
    """Pictures [H, W, 3] of tasks with own and common options."""

    async def work() -> list[np.ndarray[Any, Any]]:
        async with running_worker(folder, name="small") as worker:
            found: list[np.ndarray[Any, Any]] = []
            for task, own, fields in asked:
                found += map(pixels, await images(worker, await request_of(task, worker, own, **fields)))
            return found

    return run(work())


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_every_task_is_drawn_by_every_sampler(folder: Path, sampler: str) -> None:
    pictures = drawn(folder, *((task, {}, {"sampler": sampler, "num_steps": 3}) for task in TASKS))
    assert {picture.shape for picture in pictures} == {(SIDE, SIDE, 3)}, "the original's square"


def test_sides_are_any_and_a_picture_keeps_its_shape_without_the_quirks(folder: Path) -> None:
    shapes = [
        picture.shape[:2]
        for picture in drawn(
            folder,
            ("text2img", {}, {"width": 72, "height": 80, "num_steps": 2}),
            ("img2img", {"reference_quirks": False}, {"num_steps": 2}),
            ("img2img", {}, {"num_steps": 2, "width": 96, "height": 64}),
        )
    ]
    assert shapes == [(80, 72), (56, 80), (64, 96)]


@pytest.mark.parametrize("quirks", [True, False])
def test_counts_of_steps_at_which_the_original_crashes_are_drawn(folder: Path, quirks: bool) -> None:
    own = {"reference_quirks": quirks}
    steps = [("ddim_sampler", 3), ("ddim_sampler", 9), ("plms_sampler", 27), ("p_sampler", 1)]
    asked = [("text2img", own, {"sampler": sampler, "num_steps": count}) for sampler, count in steps]
    assert len(drawn(folder, *asked)) == len(steps)


def test_eta_counts_without_the_quirks_only(folder: Path) -> None:
    asked = [
        ("text2img", {"reference_quirks": quirks}, {"num_steps": 3, "ddim_eta": eta})
        for quirks in (True, False)
        for eta in (0.0, 0.9)
    ]
    as_original, same, without, noisy = drawn(folder, *asked)
    assert (as_original == same).all()
    assert (as_original == without).all()
    assert (without != noisy).any()


@pytest.mark.parametrize("task", TASKS)
@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_a_picture_does_not_depend_on_its_neighbours_without_the_quirks(folder: Path, task: str, sampler: str) -> None:
    own = {"reference_quirks": False, "dynamic_threshold_v": 60}
    fields = {"sampler": sampler, "num_steps": 3}
    _, second, alone = drawn(folder, (task, own, {**fields, "count": 2}), (task, own, {**fields, "seed": 4}))
    assert np.abs(second - alone).max() <= 1


def test_with_the_quirks_each_picture_drawn_upon_has_latents_of_its_own_seed(folder: Path) -> None:
    fields = {"num_steps": 3}
    for task in ("inpaint", "img2img"):
        first, second, alone = drawn(folder, (task, {}, {**fields, "count": 2}), (task, {}, {**fields, "seed": 4}))
        assert np.abs(second - alone).max() <= 1, task
        assert (first != second).any(), task


@pytest.mark.parametrize(
    ("task", "sampler", "own", "wanted"),
    [
        ("text2img", "p_sampler", {}, Threshold(None, Percentile(0.995, shares_first=True))),
        (
            "text2img",
            "p_sampler",
            {"denoised_type": "clip_denoised"},
            Threshold(None, Percentile(0.995, shares_first=True)),
        ),
        (
            "inpaint",
            "p_sampler",
            {"dynamic_threshold_v": 90},
            Threshold(Percentile(0.9, shares_first=True), Percentile(0.995, shares_first=True)),
        ),
        (
            "inpaint",
            "p_sampler",
            {"denoised_type": "clip_denoised"},
            Threshold(Clamp(1.0), Percentile(0.995, shares_first=True)),
        ),
        ("inpaint", "ddim_sampler", {"dynamic_threshold_v": 90}, NO_THRESHOLD),
        ("text2img", "ddim_sampler", {"reference_quirks": False}, NO_THRESHOLD),
        ("text2img", "p_sampler", {"reference_quirks": False}, Threshold(Percentile(0.995))),
        (
            "text2img",
            "plms_sampler",
            {"reference_quirks": False, "denoised_type": "clip_denoised"},
            Threshold(Clamp(1.0)),
        ),
        (
            "img2img",
            "ddim_sampler",
            {"reference_quirks": False, "dynamic_threshold_v": 80},
            Threshold(Percentile(0.8)),
        ),
    ],
)
def test_what_predicted_pictures_are_held_to(task: str, sampler: str, own: dict[str, Any], wanted: Threshold) -> None:
    assert drawing_threshold(task, sampler, Kandinsky20Options(**own)) == wanted


def test_what_it_lacks_is_refused_before_anything_is_drawn(folder: Path) -> None:
    async def work() -> list[tuple[str, str, str]]:
        async with running_worker(folder, name="small") as worker:
            asked: list[Any] = [
                pb.FuseRequest(options=options({}), items=[pb.FuseItem(text="a cat", weight=1)]),
                pb.TextToImageRequest(options=options({"prior_steps": "5"}), prompt="a cat"),
                pb.TextToImageRequest(options=options({"dynamic_threshold_v": 101}), prompt="a cat"),
                pb.TextToImageRequest(options=options({"denoised_type": "none"}), prompt="a cat"),
            ]
            found: list[tuple[str, str, str]] = []
            for request in asked:
                with pytest.raises(grpc.aio.AioRpcError) as error:
                    await images(worker, request)
                detail = detail_of(error.value)
                found.append((detail.code, detail.field, detail.allowed))
            return found

    fused, prior_steps, percentile, kind = run(work())
    assert fused == ("model.task_not_served", "model", "train, text2img, inpaint, img2img")
    assert prior_steps == (
        "spec.invalid",
        "options.prior_steps",
        "denoised_type, dynamic_threshold_v, reference_quirks",
    )
    assert percentile == ("spec.invalid", "options.dynamic_threshold_v", "0 to 100")
    assert kind == ("spec.invalid", "options.denoised_type", "dynamic_threshold, clip_denoised")


def test_what_it_is_drawn_with_where_nothing_is_asked_for(tmp_path: Path) -> None:
    model = load(write_small(tmp_path / "model"))
    (tmp_path / "model" / "murnau.yaml").unlink()
    published = load(tmp_path / "model")
    assert model.settings.num_steps == 4
    assert (published.settings.num_steps, published.settings.guidance_scale, published.image_size) == (100, 7, 512)
