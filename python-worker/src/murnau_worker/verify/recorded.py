"""Whole drawings of the original code, drawn again by the product's own tasks: every step's latents, and the pictures.

Names: `prep.*` is what was made of the picture and the mask; of each run `x_prev` and `pred_x0` of its steps, `latents`
at the end, `image_u8` or a crop of it. Legend: N pictures, C latent channels, H/W latent cells or pixels.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch

from murnau_worker.core.turns import in_inference_mode, result_of
from murnau_worker.drawing.draw import sample_latents
from murnau_worker.drawing.image_to_image import ImageToImage
from murnau_worker.drawing.inpaint import Inpaint
from murnau_worker.drawing.latents import scaled_pixels
from murnau_worker.drawing.masks import grown, latent_mask
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.drawing.request import DrawHooks, DrawingTask, DrawRequest
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.families.goldens import Outputs, RecordedPicture, RecordedRun
from murnau_worker.sampling.guidance import SamplerStep, Sampling
from murnau_worker.text.prompt_reader import read_with
from murnau_worker.verify.golden_folder import GoldenFolder

_CROP = (slice(100, 132), slice(300, 332))


@dataclass(frozen=True)
class RecordedNoise:
    """Gives the picture of seed n the noise of the n-th that was recorded. Implements NoiseSource."""

    run: RecordedRun

    def normal(self, seed: int, purpose: str, step: int, number: int, shape: tuple[int, ...]) -> torch.Tensor:
        if purpose == "start":
            return self.run.start[seed]
        if purpose == "steps":
            return self.run.steps[step][seed]
        assert self.run.encoding is not None
        return self.run.encoding[seed]


def recorded_request(golden: GoldenFolder, run: RecordedRun) -> DrawRequest:
    """A request that asks for what was recorded."""
    options = DrawOptions(
        num_steps=run.num_steps,
        guidance_scale=run.guidance_scale,
        sampler=run.sampler,
        width=run.width,
        height=run.height,
        family=run.options,
    )
    return DrawRequest(
        task=_task(run, golden.recorded.drawn_upon(golden.tensors, golden.folder)),
        seeds=tuple(range(run.count)),
        options=options,
        reader=read_with(golden.model, ()),
        hooks=DrawHooks(noise={run.task: RecordedNoise(run)}),
    )


def _task(run: RecordedRun, upon: RecordedPicture) -> DrawingTask:
    prompts = (run.prompt,) * run.count
    match run.task:
        case "text2img":
            return TextToImage(prompts)
        case "inpaint":
            return Inpaint(prompts, upon.picture, upon.mask_HW)
        case "img2img":
            return ImageToImage(prompts, upon.picture, run.strength)


def preparation(golden: GoldenFolder) -> Outputs:
    upon, model = golden.recorded.drawn_upon(golden.tensors, golden.folder), golden.model
    yield "prep.image_64x64_u8", _levels(scaled_pixels(upon.picture, 64, 64))
    yield "prep.image_512_sub16", scaled_pixels(upon.picture, 512, 512)[..., ::16, ::16]
    for side in (64, 512):
        cells, options = side // model.latent_factor, DrawOptions(width=side, height=side)
        mask = latent_mask(upon.mask_HW, options, (model.latent_channels, cells, cells), model.latent_factor)
        yield f"prep.mask_{cells}x{cells}", grown(mask)
    alone = torch.ones(1, 1, 6, 7)
    alone[..., 2, 3] = 0
    yield "prep.mask_single_zero", grown(alone)


def runs(golden: GoldenFolder) -> Outputs:
    for run in golden.recorded.runs(golden.tensors, golden.folder):
        yield from _run(golden, run)


@torch.inference_mode()
def _run(golden: GoldenFolder, run: RecordedRun) -> Outputs:
    request = recorded_request(golden, run)
    sketch = result_of(in_inference_mode(request.task.sketch(golden.model, request)))
    steps, latents_NCHW = _sampled(sample_latents(golden.model, request, sketch, list(range(run.count))))
    for name, of_steps in (
        ("x_prev", [step.latents_NCHW for step in steps]),
        ("pred_x0", [step.clean_NCHW for step in steps]),
    ):
        wanted = golden.tensors.get(f"{run.name}.{name}")
        if wanted is not None:  # a sampler may begin with an evaluation that is no step
            yield f"{run.name}.{name}", torch.stack(of_steps[-len(wanted) :])
    yield f"{run.name}.latents", latents_NCHW
    levels = _levels(golden.model.decode_latents(latents_NCHW)[..., : run.height, : run.width]).permute(0, 2, 3, 1)
    yield f"{run.name}.image_u8", levels
    yield f"{run.name}.image_u8_crop", levels[:, _CROP[0], _CROP[1]]


def _sampled(sampling: Sampling) -> tuple[list[SamplerStep], torch.Tensor]:
    steps: list[SamplerStep] = []
    while True:
        try:
            steps.append(next(sampling))
        except StopIteration as finished:
            return steps, finished.value


def _levels(pixels_NCHW: torch.Tensor) -> torch.Tensor:
    """Pictures in -1..1 as 8-bit levels."""
    return ((pixels_NCHW.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
