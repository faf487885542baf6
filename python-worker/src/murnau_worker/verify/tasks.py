"""What the drawing tasks give on the goldens' noise: embeddings, latents and pictures.

Legend: C latent channels, H/W latent cells or pixels.
"""

from __future__ import annotations

from dataclasses import replace

import torch
from PIL import Image

from murnau_worker.core.turns import in_inference_mode, result_of
from murnau_worker.drawing.draw import draw, sample_latents
from murnau_worker.drawing.events import Picture
from murnau_worker.drawing.image_to_image import ImageToImage, start_of
from murnau_worker.drawing.inpaint import Inpaint
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.drawing.request import DrawingTask, DrawRequest, Sketch
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.families.goldens import Outputs
from murnau_worker.sampling.guidance import Kept
from murnau_worker.text.prompt_reader import read_with
from murnau_worker.verify.golden_folder import GoldenFolder
from murnau_worker.verify.golden_hooks import PROMPT, golden_hooks

STRENGTH = 0.7  # of the golden picture in image to image
_GUIDANCE = 4.0
_DIVISOR = 20.0  # random weights blow the DDIM latents up: the original's picture is of a twentieth of them


def golden_options(golden: GoldenFolder, sampler: str, num_steps: int) -> DrawOptions:
    """How the original drew: guidance 4, and the family's own options."""
    rows, columns = golden["sample.x_T"].shape[-2:]
    factor = golden.model.latent_factor
    return DrawOptions(
        num_steps=num_steps,
        guidance_scale=_GUIDANCE,
        sampler=sampler,
        width=columns * factor,
        height=rows * factor,
        family=golden.sampled.options(golden.tensors),
    )


def _request(golden: GoldenFolder, task: DrawingTask, sampler: str, num_steps: int) -> DrawRequest:
    hooks = golden_hooks(golden.tensors, golden.sampled, golden.model.description.towers)
    return DrawRequest(
        task=task,
        seeds=(0,),
        options=golden_options(golden, sampler, num_steps),
        reader=read_with(golden.model, (), hooks.tokenizers),
        hooks=hooks,
    )


def _sketch(golden: GoldenFolder, request: DrawRequest) -> Sketch:
    return result_of(in_inference_mode(request.task.sketch(golden.model, request)))


@torch.inference_mode()
def _latents(golden: GoldenFolder, request: DrawRequest, sketch: Sketch) -> torch.Tensor:
    return result_of(sample_latents(golden.model, request, sketch, [0]))


def _steps(golden: GoldenFolder) -> int:
    return len(golden["sample.p_step_noise"])


def text_to_image(golden: GoldenFolder) -> Outputs:
    task = TextToImage((PROMPT,))
    sketch = _sketch(golden, _request(golden, task, "ddim_sampler", 5))
    yield from golden.sampled.condition_outputs(sketch.wanted, sketch.unwanted)
    for name, sampler, num_steps in (
        ("sample.ddim7_latents", "ddim_sampler", 7),
        ("sample.plms_latents", "plms_sampler", 5),
        ("sample.p_latents", "p_sampler", _steps(golden)),
    ):
        yield name, _latents(golden, _request(golden, task, sampler, num_steps), sketch)
    ddim_NCHW = _latents(golden, _request(golden, task, "ddim_sampler", 5), sketch)
    yield "sample.ddim_latents", ddim_NCHW
    yield "sample.ddim_image_div20", golden.model.decode_latents(ddim_NCHW / _DIVISOR)
    events = draw(golden.model, _request(golden, task, "p_sampler", _steps(golden)))
    (picture,) = [event.pixels_3HW for event in events if isinstance(event, Picture)]
    yield "sample.p_image", picture[None]


def inpainting(golden: GoldenFolder) -> Outputs:
    """With the goldens' latents and grown mask in the place of a picture's."""
    task = Inpaint((PROMPT,), _any_picture(golden), torch.zeros(_any_picture(golden).size[::-1]))
    kept = Kept(golden["inpaint.init_latents"], golden["inpaint.mask"])
    for name, sampler, num_steps in (
        ("inpaint.ddim_latents", "ddim_sampler", 5),
        ("inpaint.p_latents", "p_sampler", len(golden["inpaint.p_step_noise"])),
    ):
        request = _request(golden, task, sampler, num_steps)
        yield name, _latents(golden, request, replace(_sketch(golden, request), kept=kept))


def _any_picture(golden: GoldenFolder) -> Image.Image:
    """A picture of the goldens' size: the hooks put the goldens' latents in the place of its own."""
    options = golden_options(golden, "ddim_sampler", 1)
    return Image.new("RGB", (options.width, options.height))


def image_to_image(golden: GoldenFolder) -> Outputs:
    start_step, _ = start_of("ddim_sampler", 10, STRENGTH)
    yield f"img2img.strength_{STRENGTH}_start_step", torch.tensor(start_step)
    request = _request(golden, ImageToImage((PROMPT,), _any_picture(golden), STRENGTH), "ddim_sampler", 10)
    sketch = _sketch(golden, request)
    yield "img2img.noised", sketch.start(0)[None]
    yield "img2img.ddim10_latents", _latents(golden, request, sketch)
