"""A real worker whose noise, token ids and picture latents are the goldens', for tests through the public doors.

    python tests/golden_worker.py --golden DIR --listen 127.0.0.1:7841 [--write-expected DIR]

It serves the folder's checkpoint as model "golden". The prompt "golden" has the goldens' token ids, and any other but
the empty one is an internal error. Whatever the seed, picture 0 (count 1) has the goldens' noise; whatever the picture
that is inpainted or drawn upon, its latents are the goldens'. What a client asks for (`requests.json` says it too):

| task | sampler | num_steps | further | gives |
| --- | --- | --- | --- | --- |
| text2img | p_sampler | 5 | | `sample.p_image` |
| text2img | ddim_sampler, plms_sampler | 5 | | MoVQ's picture of `sample.ddim_latents`, `sample.plms_latents` |
| inpaint | p_sampler, ddim_sampler | 5 | `picture.png`, `mask.png` | of `inpaint.p_latents`, `inpaint.ddim_latents` |
| img2img | ddim_sampler | 10 | `picture.png`, strength 0.7 | of `img2img.ddim10_latents` |

all with prompt "golden", guidance_scale 4, prior_steps "5", prior_guidance_scale 4, reference_quirks and the size of
`picture.png`. `--write-expected` writes these two files, `requests.json` and the pictures named in it; levels of a
drawn PNG differ from them by at most 1.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from murnau_worker.core.logs import configure_logging
from murnau_worker.core.pictures import to_png
from murnau_worker.engine.engine import Engine
from murnau_worker.families.kandinsky21.parameters import options_of
from murnau_worker.families.layouts import recognise
from murnau_worker.rpc.server import serve
from murnau_worker.verify.golden_folder import GoldenFolder, goldens_of, read_golden_folder, read_tensors
from murnau_worker.verify.golden_hooks import PROMPT, golden_hooks
from murnau_worker.verify.tasks import STRENGTH, golden_options

MODEL = "golden"


@dataclass(frozen=True)
class GoldenRequest:
    """What to ask for, and the entry that the picture is of: latents, or a picture itself."""

    task: str
    sampler: str
    num_steps: int
    entry: str
    strength: float = 0.0

    @property
    def file_name(self) -> str:
        return f"{self.task}.{self.sampler}.png"


REQUESTS = (
    GoldenRequest("text2img", "p_sampler", 5, "sample.p_image"),
    GoldenRequest("text2img", "ddim_sampler", 5, "sample.ddim_latents"),
    GoldenRequest("text2img", "plms_sampler", 5, "sample.plms_latents"),
    GoldenRequest("inpaint", "p_sampler", 5, "inpaint.p_latents"),
    GoldenRequest("inpaint", "ddim_sampler", 5, "inpaint.ddim_latents"),
    GoldenRequest("img2img", "ddim_sampler", 10, "img2img.ddim10_latents", strength=STRENGTH),
)


def expected_png(golden: GoldenFolder, request: GoldenRequest) -> bytes:
    tensor = golden[request.entry]
    picture = tensor if request.entry.endswith("_image") else golden.model.decode_latents(tensor)
    return to_png(picture[0])


def input_pictures(golden: GoldenFolder) -> tuple[Image.Image, Image.Image]:
    """The picture and its mask: the mask's cells before they grow, as pixels."""
    options = golden_options(golden, "ddim_sampler", 1)
    picture = golden["movq.image"][0].permute(1, 2, 0)
    levels = ((picture + 1) * 127.5).round().to(torch.uint8).numpy()
    cells = golden["prepare_mask.mask_in"][0, 0].numpy()
    factor = golden.model.latent_factor
    mask = np.kron(cells, np.ones((factor, factor))) * 255
    image = Image.fromarray(levels).resize((options.width, options.height))
    return image, Image.fromarray(mask.astype(np.uint8))


def write_expected(folder: Path, out: Path) -> None:
    """Writes what a client sends and what it should get."""
    golden = read_golden_folder(folder)
    out.mkdir(parents=True, exist_ok=True)
    picture, mask = input_pictures(golden)
    picture.save(out / "picture.png")
    mask.save(out / "mask.png")
    options = golden_options(golden, "ddim_sampler", 1)
    own = options_of(golden.sampled.options(golden.tensors))
    shared = {
        "model": MODEL,
        "prompt": PROMPT,
        "count": 1,
        "guidance_scale": options.guidance_scale,
        "prior_steps": own.prior_steps,
        "prior_guidance_scale": own.prior_guidance_scale,
        "width": options.width,
        "height": options.height,
        "reference_quirks": own.reference_quirks,
    }
    for request in REQUESTS:
        (out / request.file_name).write_bytes(expected_png(golden, request))
    requests = [{**shared, **asdict(request), "file": request.file_name} for request in REQUESTS]
    (out / "requests.json").write_text(json.dumps(requests, indent=1) + "\n")


def golden_engine(folder: Path) -> Engine:
    towers, goldens = recognise(folder).family.description.towers, goldens_of(folder)
    assert goldens.form == "sampled"
    return Engine({MODEL: folder}, threads=1, slots=1, hooks=golden_hooks(read_tensors(folder), goldens, towers))


def main() -> None:
    parser = argparse.ArgumentParser(description="a worker on a folder of goldens")
    parser.add_argument("--golden", type=Path, required=True, metavar="DIR")
    parser.add_argument("--listen", default="", metavar="HOST:PORT", help="without it nothing is served")
    parser.add_argument("--write-expected", type=Path, metavar="DIR")
    arguments = parser.parse_args()
    configure_logging("info")
    if arguments.write_expected:
        write_expected(arguments.golden, arguments.write_expected)
    if arguments.listen:
        asyncio.run(serve(golden_engine(arguments.golden), arguments.listen))


if __name__ == "__main__":
    main()
