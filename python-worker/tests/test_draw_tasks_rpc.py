"""Each drawing task over real gRPC: what it keeps, what it changes, and that neighbours do not matter."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from draw_client import (
    SIDE,
    colours,
    encoded,
    fuse,
    image_to_image,
    images,
    inpaint,
    mask,
    options,
    pixels,
    put,
    run,
    text_to_image,
)
from PIL import Image
from worker_client import Worker, running_worker

from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.sampling.samplers import SAMPLERS


async def request_of(task: str, worker: Worker, **fields: Any) -> Any:
    makers = {
        "fuse": lambda: fuse(worker, ("a cat", 0.6), (colours(1), 0.4), **fields),
        "inpaint": lambda: inpaint(worker, **fields),
        "img2img": lambda: image_to_image(worker, **fields),
    }
    return text_to_image(**fields) if task == "text2img" else await makers[task]()


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
def test_a_picture_drawn_with_others_is_the_one_drawn_alone(tiny_folder: Path, sampler: str) -> None:
    async def work() -> dict[str, tuple[list[Any], list[Any], list[Any]]]:
        async with running_worker(tiny_folder) as worker:
            found: dict[str, tuple[list[Any], list[Any], list[Any]]] = {}
            for task in ("text2img", "fuse", "inpaint", "img2img"):
                together = await images(worker, await request_of(task, worker, count=5, sampler=sampler))
                request = await request_of(task, worker, seed=5, sampler=sampler)
                found[task] = together, await images(worker, request), await images(worker, request)
            return found

    for task, (together, alone, again) in run(work()).items():
        assert [image.position for image in together] == [0, 1, 2, 3, 4], task
        assert [image.seed for image in together] == [3, 4, 5, 6, 7], task
        assert np.abs(pixels(together[2]) - pixels(alone[0])).max() <= 1, task
        assert alone[0].png == again[0].png, task
        assert alone[0].png != together[0].png, task


def test_fuse_follows_its_items_and_weights(tiny_folder: Path) -> None:
    async def work() -> list[bytes]:
        async with running_worker(tiny_folder) as worker:
            mixes: list[tuple[tuple[str | Image.Image, float], ...]] = [
                (("a cat", 0.5), ("a dog", 0.5)),
                (("a cat", 0.9), ("a dog", 0.1)),
                ((colours(1), 1.0),),
                ((colours(2), 1.0),),
                (("a cat", 1.0), (colours(1), -0.5), (colours(2), 0.5)),
            ]
            return [(await images(worker, await fuse(worker, *mix)))[0].png for mix in mixes]

    pictures = run(work())
    assert len(set(pictures)) == len(pictures)


def test_inpainting_keeps_what_the_mask_keeps(tiny_folder: Path) -> None:
    """However it is drawn; the quirk lets the sampler change it. (Exactly, in latents: test_drawing.py.)"""

    async def work() -> list[np.ndarray]:
        async with running_worker(tiny_folder) as worker:
            ways: list[dict[str, Any]] = [{}, {"seed": 9}, {"sampler": "p_sampler"}, {"reference_quirks": True}]
            requests = [await inpaint(worker, width=SIDE, height=SIDE, **fields) for fields in ways]
            return [pixels((await images(worker, request))[0]) for request in requests]

    ddim, other_seed, ancestral, quirky = run(work())

    def apart(other: np.ndarray, columns: slice) -> float:
        return float(np.abs(ddim[:, columns] - other[:, columns]).mean())

    # The random MoVQ's attention spans the picture: equal latents give nearly equal pixels, far from the mask.
    kept, painted = slice(0, SIDE // 4), slice(SIDE // 2, None)
    for other in (other_seed, ancestral):
        assert apart(other, painted) > 4 * apart(other, kept)
    assert apart(quirky, kept) > 2 * apart(other_seed, kept)


def test_inpainting_ignores_the_negative_decoder_prompt_only_as_a_quirk(tiny_folder: Path) -> None:
    async def work() -> list[bytes]:
        async with running_worker(tiny_folder) as worker:
            return [
                (await images(worker, await inpaint(worker, negative_decoder_prompt=text, reference_quirks=quirks)))[
                    0
                ].png
                for text, quirks in (("", False), ("red", False), ("", True), ("red", True))
            ]

    plain, without_red, quirky, quirky_without_red = run(work())
    assert plain != without_red
    assert quirky == quirky_without_red


def test_more_strength_keeps_more_of_the_picture(tiny_folder: Path) -> None:
    async def work() -> tuple[list[Any], list[list[Any]]]:
        async with running_worker(tiny_folder) as worker:
            kept_whole = await images(worker, await image_to_image(worker, 0.9999, num_steps=50))
            drawn = [
                await images(worker, await image_to_image(worker, strength, num_steps=50, count=4))
                for strength in (0.9, 0.5, 0.1)
            ]
            return kept_whole, drawn

    (whole,), drawn = run(work())
    distances = [
        float(np.mean([np.abs(pixels(image) - pixels(whole)).mean() for image in images_of])) for images_of in drawn
    ]
    assert distances == sorted(distances)
    assert distances[0] < 0.8 * distances[-1]


@pytest.mark.parametrize("sampler", sorted(SAMPLERS))
@pytest.mark.parametrize("strength", [0.001, 0.999])
def test_any_strength_draws_at_least_one_step(tiny_folder: Path, sampler: str, strength: float) -> None:
    async def work() -> list[Any]:
        async with running_worker(tiny_folder) as worker:
            return await images(worker, await image_to_image(worker, strength, num_steps=3, sampler=sampler))

    assert len(run(work())) == 1


@pytest.mark.parametrize("task", ["inpaint", "img2img"])
def test_a_picture_keeps_its_proportions_or_is_scaled(tiny_folder: Path, task: str) -> None:
    async def work() -> list[tuple[int, int]]:
        async with running_worker(tiny_folder) as worker:
            sizes: list[tuple[int, int]] = []
            for fields in ({}, {"width": 50, "height": 21}):
                if task == "inpaint":
                    request: Any = await inpaint(worker, colours(1, 45, 33), mask(45, 33), **fields)
                else:
                    request = await image_to_image(worker, picture=colours(1, 45, 33), **fields)
                sizes.append(Image.open(io.BytesIO((await images(worker, request))[0].png)).size)
            return sizes

    assert run(work()) == [(18, 14), (50, 21)]  # the area of 16×16, in whole cells of 2


def test_pictures_of_other_kinds_work(tiny_folder: Path) -> None:
    """CMYK, EXIF rotation, palette, transparency and 16 bits: upright and in colour, by what they look like."""
    upright = colours(4, 48, 32)
    rotated = Image.Exif()
    rotated[0x0112] = 6  # shown turned clockwise by 90 degrees

    async def work() -> tuple[list[tuple[int, int]], list[bytes]]:
        async with running_worker(tiny_folder) as worker:
            contents = [
                encoded(upright),
                encoded(upright.convert("RGBA")),
                encoded(upright.convert("CMYK"), "JPEG"),
                encoded(upright.transpose(Image.Transpose.ROTATE_90), exif=rotated),
                encoded(upright.convert("P", palette=Image.Palette.ADAPTIVE)),
                encoded(Image.fromarray(np.full((32, 48), 30000, dtype=np.uint16))),
            ]
            found: list[Any] = []
            for content in contents:
                blob_hash = await put(worker, content)
                request = pb.ImageToImageRequest(options=options(), prompt="a cat", image_hash=blob_hash, strength=0.6)
                found.append((await images(worker, request))[0])
            return [Image.open(io.BytesIO(image.png)).size for image in found], [image.png for image in found]

    sizes, pngs = run(work())
    assert set(sizes) == {(20, 14)}
    plain, opaque, _, turned, *_ = pngs
    assert plain == opaque == turned
