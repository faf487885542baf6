"""Peak memory of every drawing task and of training at Kandinsky 2.1's published size, estimated with fake tensors.

    npm run -s bench:memory [-- --side 512] [--only drawing|training]

Nothing is computed: shapes flow through the product's own code, and the bytes of live tensors are counted. Not counted
are the device's context, workspaces and fragmentation, about 0.7 GiB on a CUDA device. The last line is JSON: GiB by
task, dtype, offload and batch; of training by phase, batch and packed runs, with `joint_gib` and `split_gib` of one
sample.
"""

from __future__ import annotations

import argparse
import gc
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from drawing_requests import request_of
from fake_memory import GIB, LiveBytes
from PIL import Image
from real_size import TOKENS, real_size_model
from torch._subclasses.fake_tensor import FakeTensorMode
from training_memory import training_table

from murnau_worker.drawing.draw import draw
from murnau_worker.drawing.fuse import Fuse, FuseItem
from murnau_worker.drawing.image_to_image import ImageToImage
from murnau_worker.drawing.inpaint import Inpaint
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.drawing.request import DrawingTask
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.models.model_parts import Offload

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16}
BATCHES = (1, 4, 8)
STEPS = 2  # the peak is that of any step


@dataclass(frozen=True)
class Case:
    task: str
    dtype: str
    offload: Offload
    batch: int


def cases() -> Iterator[Case]:
    for task in ("text2img", "fuse", "inpaint", "img2img"):
        yield Case(task, "float32", "none", 1)
        for offload in ("none", "parts"):
            for batch in BATCHES:
                yield Case(task, "bfloat16", offload, batch)


def task_of(case: Case, side: int) -> DrawingTask:
    """Every picture has its own prompt of the greatest length."""
    prompts = tuple(f"prompt {place}" for place in range(case.batch))
    picture = Image.new("RGB", (side, side))
    match case.task:
        case "text2img":
            return TextToImage(prompts)
        case "fuse":
            return Fuse((FuseItem("a text", 0.5), FuseItem(picture, 0.5)))
        case "inpaint":
            mask_HW = torch.ones(side, side)
            mask_HW[side // 4 : side // 2, side // 4 : side // 2] = 0
            return Inpaint(prompts, picture, mask_HW)
        case _:
            return ImageToImage(prompts, picture, 0.5)


def peak_bytes(case: Case, side: int) -> int:
    gc.collect()  # the case before
    with FakeTensorMode(allow_non_fake_inputs=True), LiveBytes(TOKENS) as live:
        model = real_size_model(DTYPES[case.dtype], case.offload)
        task = task_of(case, side)
        for _ in model.prepare(task.name):
            pass
        live.forget_peak()
        asked = DrawOptions(num_steps=STEPS, width=side, height=side)
        for _ in draw(model, request_of(model, task, asked, case.batch)):
            pass
        return live.peak


def drawing_table(side: int) -> list[dict[str, Any]]:
    """Prints the table of drawing; its rows."""
    results: list[dict[str, Any]] = []
    print(f"{'task':10} {'dtype':10} {'offload':8} {'batch':>5} {'GiB':>7}")
    for case in cases():
        gib = round(peak_bytes(case, side) / GIB, 2)
        print(f"{case.task:10} {case.dtype:10} {case.offload:8} {case.batch:5} {gib:7.2f}", flush=True)
        results.append(
            {"task": case.task, "dtype": case.dtype, "offload": case.offload, "batch": case.batch, "gib": gib}
        )
    return results


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--side", type=int, default=512, help="pixels of a picture's side (default 512)")
    parser.add_argument("--only", choices=["drawing", "training"], help="one of the two tables")
    asked = parser.parse_args()
    side: int = asked.side
    logging.disable(logging.INFO)
    print(f"Peak at {side}x{side}, GiB (the device's own 0.7 GiB apart)")
    result: dict[str, Any] = {"side": side}
    if asked.only != "training":
        result["peaks"] = drawing_table(side)
    if asked.only != "drawing":
        result |= training_table(side)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
