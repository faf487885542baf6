"""Masks, captions and buckets through a real Train stream."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from run_tools import picture, png
from worker_client import Stream, detail_of, running_worker, start_message, train

from murnau_worker.core.named_picture import NamedPicture
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb

RICH: dict[str, Any] = {
    "loss_mask": pb.LOSS_MASK_FILE,
    "templates": pb.TEMPLATE_SET_CAPTIONS,
    "resize": pb.RESIZE_BUCKET,
}
NO_PICTURES = pb.SampleSpec()


def mask(height: int, width: int) -> bytes:
    pixels = np.zeros((height, width), np.uint8)
    pixels[: height // 2] = 255
    return png(pixels)


def rich_pictures() -> list[NamedPicture]:
    return [
        picture(1, 24, 24, mask=mask(24, 24), caption="a photo of a {placeholder}"),
        picture(2, 24, 48, mask=mask(12, 24), caption="the {placeholder} on snow"),
        picture(3, 24, 48, caption="{placeholder}"),
    ]


def run(folder: Path, pictures: list[NamedPicture], **changes: Any) -> Stream:
    async def work() -> Stream:
        async with running_worker(folder) as worker:
            await worker.put(pictures)
            return await train(worker, start_message(pictures=pictures, samples=NO_PICTURES, **changes))

    return asyncio.run(work())


def test_a_run_learns_from_masks_captions_and_buckets(tiny_folder: Path) -> None:
    stream = run(tiny_folder, rich_pictures(), **RICH)
    assert stream.of("finished")[0].step == 8
    rich = {key: value for key, value in stream.metrics.items() if key[1] == "train_loss"}
    assert len(rich) == 8
    plain = run(tiny_folder, rich_pictures()).metrics
    assert plain[1, "train_loss"] != rich[1, "train_loss"]


@pytest.mark.parametrize(
    ("pictures", "code", "field", "named"),
    [
        ([*rich_pictures(), picture(4), picture(5)], "caption.missing", "spec.templates", "4.png, 5.png"),
        ([*rich_pictures(), picture(4, caption="a cat")], "caption.invalid", "spec.templates", "4.png"),
        ([picture(4, caption="{placeholder}")], "mask.missing", "spec.loss_mask", "no picture"),
        ([*rich_pictures()[:2], picture(4, mask=mask(24, 9), caption="{placeholder}")], "mask.wrong_size", "", "4.png"),
    ],
)
def test_what_is_missing_or_does_not_fit_is_named(
    tiny_folder: Path, pictures: list[NamedPicture], code: str, field: str, named: str
) -> None:
    async def work() -> pb.ErrorDetail:
        async with running_worker(tiny_folder) as worker:
            await worker.put(pictures)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await train(worker, start_message(pictures=pictures, **RICH))
            return detail_of(refused.value)

    detail = asyncio.run(work())
    assert detail.code == code
    assert detail.field == field or not field
    assert named in detail.message
