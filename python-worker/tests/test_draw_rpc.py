"""Text to picture over real gRPC: what all drawing calls share."""

from __future__ import annotations

import asyncio
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from draw_client import embedding, events, images, pixels, run, text_to_image
from PIL import Image
from worker_client import running_worker

from murnau_worker import __version__
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.text.embedding_file import write_embedding


def test_learnt_words_change_the_picture_and_others_do_not(tiny_folder: Path) -> None:
    async def work() -> list[bytes]:
        async with running_worker(tiny_folder) as worker:
            first = pb.EmbeddingRef(file=write_embedding(embedding("sapsan", 1)))
            other = pb.EmbeddingRef(file=write_embedding(embedding("gribnik", 2)))
            prompt = "a photo of a sapsan"
            requests = [
                text_to_image(prompt),
                text_to_image(prompt, embeddings=[first]),
                text_to_image(prompt, embeddings=[first, other]),
                text_to_image("a photo of a sapsan on a gribnik", embeddings=[first, other]),
            ]
            return [(await images(worker, request))[0].png for request in requests]

    unknown, learnt, with_unused, both = run(work())
    assert unknown != learnt
    assert learnt == with_unused
    assert both != learnt


def test_poolings_travel_with_the_words_and_a_mix_says_so(tiny_folder: Path) -> None:
    def ref(word: str, pooling: str) -> pb.EmbeddingRef:
        return pb.EmbeddingRef(file=write_embedding(embedding(word, pooling=pooling)))

    async def work() -> tuple[list[bytes], list[str]]:
        async with running_worker(tiny_folder) as worker:
            prompt = "a photo of a sapsan on a gribnik"
            pictures: list[bytes] = []
            notices: list[str] = []
            pairs: list[tuple[str, str]] = [("eot", "eot"), ("argmax", "argmax"), ("argmax", "eot")]
            for poolings in pairs:
                refs = [ref("sapsan", poolings[0]), ref("gribnik", poolings[1])]
                found = await events(worker, text_to_image(prompt, embeddings=refs))
                pictures += [event.png for kind, event in found if kind == "image"]
                notices += [event.message for kind, event in found if kind == "notice"]
            return pictures, notices

    (eot, argmax, mixed), notices = run(work())
    assert eot != argmax
    assert mixed == eot
    assert len(notices) == 1
    assert "gribnik: eot, sapsan: argmax" in notices[0]


def test_a_prompt_longer_than_the_context_is_reported(tiny_folder: Path) -> None:
    async def work() -> list[str]:
        async with running_worker(tiny_folder) as worker:
            prompt = "a photo of a cat on a red train " * 312  # 9,984 characters, 9 words each
            found = await events(worker, text_to_image(prompt, negative_prior_prompt=prompt))
            assert found[-1][0] == "image"
            return [event.message for kind, event in found if kind == "notice"]

    (notice,) = run(work())
    assert "the decoder's text tower read 77 of 2810 tokens" in notice
    assert "the prior's text tower read 77 of 2810" in notice
    assert 'up to "…a red train a photo of"' in notice


def test_sizes_and_negative_prompts(tiny_folder: Path) -> None:
    async def work() -> tuple[list[tuple[int, int]], bool, bool]:
        async with running_worker(tiny_folder) as worker:
            plain = (await images(worker, text_to_image()))[0]
            sizes = [
                Image.open(io.BytesIO((await images(worker, text_to_image(width=width, height=height)))[0].png)).size
                for width, height in ((30, 20), (1, 1))
            ]
            no_blue = (await images(worker, text_to_image(negative_prior_prompt="blue")))[0]
            no_red = (await images(worker, text_to_image(negative_decoder_prompt="red")))[0]
            return sizes, no_blue.png != plain.png, no_red.png != plain.png

    assert run(work()) == ([(30, 20), (1, 1)], True, True)


@pytest.mark.parametrize("prior_steps", ["10", "ddim5", "3,2", "1"])
def test_prior_steps_of_each_form(tiny_folder: Path, prior_steps: str) -> None:
    async def work() -> tuple[bytes, bytes]:
        async with running_worker(tiny_folder) as worker:
            usual, other = text_to_image(), text_to_image(prior_steps=prior_steps)
            return (await images(worker, usual))[0].png, (await images(worker, other))[0].png

    usual, other = run(work())
    assert usual != other


def test_eta_draws_noise_of_each_picture_and_the_quirk_ignores_it(tiny_folder: Path) -> None:
    async def work() -> list[Any]:
        async with running_worker(tiny_folder) as worker:
            requests = [
                text_to_image(count=3),
                text_to_image(count=3, ddim_eta=1.0),
                text_to_image(seed=5, ddim_eta=1.0),
                text_to_image(count=3, ddim_eta=1.0, reference_quirks=True),
            ]
            return [await images(worker, request) for request in requests]

    plain, noisy, alone, quirky = run(work())
    assert noisy[2].png != plain[2].png
    assert np.abs(pixels(noisy[2]) - pixels(alone[0])).max() <= 1
    assert [image.png for image in quirky] == [image.png for image in plain]


@pytest.mark.parametrize(("sampler", "evaluations"), [("ddim_sampler", 8), ("plms_sampler", 9), ("p_sampler", 7)])
def test_events_come_in_order_with_previews(tiny_folder: Path, sampler: str, evaluations: int) -> None:
    async def work() -> list[tuple[str, Any]]:
        async with running_worker(tiny_folder) as worker:
            request = text_to_image(count=2, num_steps=7, sampler=sampler, preview_every_steps=3, width=150, height=75)
            return await events(worker, request)

    found = run(work())
    kinds = [kind for kind, _ in found]
    started = found[kinds.index("started")][1]
    assert kinds.index("started") > max(
        i for i, (_, event) in enumerate(found) if getattr(event, "phase", "") == "loading"
    )
    assert (started.worker_version, len(started.model_fingerprint)) == (__version__, 64)
    assert "threads 1" in started.numeric_fingerprint
    decoder = [event for kind, event in found if kind == "progress" and event.phase == "decoder"]
    assert [(event.step, event.steps) for event in decoder][-1] == (2 * evaluations, 2 * evaluations)
    assert len({event.step for event in decoder}) == evaluations
    previews = [event for kind, event in found if kind == "preview"]
    assert [event.position for event in previews] == [0, 1] * ((evaluations - 1) // 3)
    assert {Image.open(io.BytesIO(event.png)).size for event in previews} == {(128, 64)}
    assert [event.position for kind, event in found if kind == "image"] == [0, 1]


def test_cancelling_a_drawing_stops_it_within_a_step(tiny_folder: Path) -> None:
    async def work() -> bool:
        async with running_worker(tiny_folder) as worker:
            call = worker.stub.TextToImage(text_to_image(count=64, num_steps=1000))
            async for response in call:
                if response.event.progress.phase == "decoder":
                    call.cancel()
                    break
            for _ in range(100):
                await asyncio.sleep(0.05)
                described = await worker.stub.Describe(pb.DescribeRequest())
                if described.generating == 0 and described.progress_age_s == 0:
                    return True
            return False

    assert run(work())
