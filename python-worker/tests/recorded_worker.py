"""A real worker on the goldens that hold whole drawings, with their noise, for tests through the public doors.

    python tests/recorded_worker.py --listen 127.0.0.1:7841 [--write-expected DIR]

It serves the checkpoint of Kandinsky 2.0's goldens as model "golden", with 64 pixels for its side. Picture n of the
recorded drawing r has the seed 100 r + n: these have the noise that the original code drew. `--write-expected` writes
`requests.json` with what a client asks for, the picture and the mask that are drawn upon, and the original's pictures.
Any other seed has noise of its own, so that runs train and draw as on any worker.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from PIL import Image
from small20 import SIDE, SOURCE, write_small

from murnau_worker.core.logs import configure_logging
from murnau_worker.core.picture_noise import SeededNoise
from murnau_worker.drawing.request import DrawHooks
from murnau_worker.engine.engine import Engine
from murnau_worker.families.goldens import RecordedPicture, RecordedRun
from murnau_worker.families.kandinsky20.goldens import Kandinsky20Goldens
from murnau_worker.rpc.server import serve
from murnau_worker.verify.golden_folder import read_tensors
from murnau_worker.verify.recorded import RecordedNoise

MODEL = "golden"
SEEDS_APART = 100


def recorded_runs() -> list[RecordedRun]:
    """Those that are drawn small."""
    runs = Kandinsky20Goldens().runs(read_tensors(SOURCE), SOURCE)
    return [run for run in runs if run.task == "text2img" or run.width == SIDE]


@dataclass(frozen=True)
class NoiseBySeed:
    """Implements NoiseSource."""

    runs: tuple[RecordedRun, ...]

    def normal(self, seed: int, purpose: str, step: int, number: int, shape: tuple[int, ...]) -> torch.Tensor:
        place, row = divmod(seed, SEEDS_APART)
        if place < len(self.runs) and row < self.runs[place].count:
            return RecordedNoise(self.runs[place]).normal(row, purpose, step, number, shape)
        return SeededNoise().normal(seed, purpose, step, number, shape)


def recorded_engine(folder: Path) -> Engine:
    """`folder`: where the model's small copy is written."""
    noise = NoiseBySeed(tuple(recorded_runs()))
    hooks = DrawHooks(noise=dict.fromkeys(("text2img", "inpaint", "img2img"), noise))
    return Engine({MODEL: write_small(folder)}, threads=1, slots=2, hooks=hooks)


def mask_of_the_pictures_size(upon: RecordedPicture) -> Image.Image:
    """The original was given a mask of another size than the picture's: the same cells of latents, by the picture's."""
    width, height = upon.picture.size
    rows, columns = upon.mask_HW.shape
    cells = SIDE // 8
    cell_rows = torch.arange(height) * cells // height * rows // cells
    cell_columns = torch.arange(width) * cells // width * columns // cells
    levels = (upon.mask_HW[cell_rows][:, cell_columns] * 255).to(torch.uint8)
    return Image.fromarray(levels.numpy())


def request_of(place: int, run: RecordedRun) -> dict[str, Any]:
    """By the names of the API."""
    own = {name: value for name, value in run.options.model_dump().items() if value is not None}
    return {
        "task": run.task,
        "prompt": run.prompt,
        "model": MODEL,
        "count": run.count,
        "seed": SEEDS_APART * place,
        "num_steps": run.num_steps,
        "guidance_scale": run.guidance_scale,
        "sampler": run.sampler,
        "width": run.width,
        "height": run.height,
        "strength": run.strength,
        "options": own,
        "files": [f"{run.name}.{number}.png" for number in range(run.count)],
    }


def write_expected(out: Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    tensors = read_tensors(SOURCE)
    upon = Kandinsky20Goldens().drawn_upon(tensors, SOURCE)
    upon.picture.save(out / "picture.png")
    mask_of_the_pictures_size(upon).save(out / "mask.png")
    requests = [request_of(place, run) for place, run in enumerate(recorded_runs())]
    for run, request in zip(recorded_runs(), requests, strict=True):
        for levels_HW3, file in zip(tensors[f"{run.name}.image_u8"], request["files"], strict=True):
            Image.fromarray(np.asarray(levels_HW3)).save(out / file)
    (out / "requests.json").write_text(json.dumps(requests, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description="a worker on recorded drawings")
    parser.add_argument("--listen", default="", metavar="HOST:PORT", help="without it nothing is served")
    parser.add_argument("--write-expected", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    configure_logging("info")
    if arguments.write_expected:
        write_expected(arguments.write_expected)
    if arguments.listen:
        with tempfile.TemporaryDirectory() as folder:
            asyncio.run(serve(recorded_engine(Path(folder) / "model"), arguments.listen))


if __name__ == "__main__":
    main()
