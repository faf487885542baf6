"""From a request to finished pictures.

Every picture has its own seed and noise: drawn in a batch it equals itself drawn alone, to floating-point noise.
Legend: N pictures, C latent channels, H/W latent cells or pixels.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from murnau_worker.core.progress import Notice, Progress
from murnau_worker.core.turns import in_batches, in_inference_mode
from murnau_worker.drawing.events import DrawEvent, DrawTurns, Picture, Preview
from murnau_worker.drawing.request import DrawRequest, Sketch
from murnau_worker.families.family import FamilyModel
from murnau_worker.sampling.guidance import SamplerStep, Sampling, SamplingRequest
from murnau_worker.sampling.samplers import SAMPLERS
from murnau_worker.sampling.threshold import Threshold

_LARGEST_PREVIEW = 128  # pixels of its longer side


def draw(model: FamilyModel, request: DrawRequest) -> Iterator[DrawEvent | None]:
    """Draws a request's pictures; stops after each small step, with news or without.

    Raises WorkerError for what only the model can refuse.
    """
    return in_inference_mode(_draw(model, request))


def _draw(model: FamilyModel, request: DrawRequest) -> DrawTurns[None]:
    for message in request.notices(model):
        yield Notice(message)
    sketch = yield from request.task.sketch(model, request)
    model.release_condition_side()
    yield from _Drawing(model, request, sketch).pictures()


@dataclass(frozen=True)
class _Drawing:
    model: FamilyModel
    request: DrawRequest
    sketch: Sketch

    def pictures(self) -> DrawTurns[None]:
        """Samples batch after batch and decodes each at once, so that the first pictures are seen soon."""
        places = range(len(self.request.seeds))
        draws_together = threshold_of(self.model, self.request).shares_first
        size = len(places) if draws_together else self.request.batch_size
        yield from in_batches(places, size, self._sampled, self._decoded)

    def _sampled(self, places: list[int]) -> DrawTurns[torch.Tensor]:
        sampling = sample_latents(self.model, self.request, self.sketch, places)
        every = self.request.options.preview_every_steps
        while True:
            try:
                step = next(sampling)
            except StopIteration as finished:
                return finished.value
            done = places[0] * step.total + len(places) * step.done
            yield Progress("decoder", done, len(self.request.seeds) * step.total)
            if every and step.done % every == 0 and step.done < step.total:
                yield from self._previews(places, step)

    def _previews(self, places: list[int], step: SamplerStep) -> DrawTurns[None]:
        """Decodes the clean latents as predicted now, scaled down first: the cost is a small picture's."""
        factor, options = self.model.latent_factor, self.request.options
        rows, columns = -(-options.height // factor), -(-options.width // factor)
        scale = min(1.0, _LARGEST_PREVIEW / factor / max(rows, columns))
        size = (max(1, round(rows * scale)), max(1, round(columns * scale)))
        for place, cells_CHW in zip(places, step.clean_NCHW[..., :rows, :columns], strict=True):
            small = F.interpolate(cells_CHW[None], size, mode="area")
            yield Preview(place, self.model.decode_latents(small)[0].cpu())

    def _decoded(self, places: list[int], latents_NCHW: torch.Tensor) -> DrawTurns[None]:
        options = self.request.options
        for place, cells_CHW in zip(places, latents_NCHW, strict=True):
            yield Progress("decoding")
            picture_3HW = self.model.decode_latents(cells_CHW[None])[0]
            yield Picture(place, picture_3HW[:, : options.height, : options.width].cpu())


def threshold_of(model: FamilyModel, request: DrawRequest) -> Threshold:
    """What the request's predicted clean latents are held to."""
    return model.threshold(request.task.name, request.options.sampler, request.family_options)


def sample_latents(model: FamilyModel, request: DrawRequest, sketch: Sketch, places: list[int]) -> Sampling:
    """Runs the sampler for some of a request's pictures.

    After inpainting, what the mask keeps is the picture's own latents again, unless the family's options say otherwise.
    """
    options = request.options
    kept = None if sketch.kept is None else sketch.kept.of(places)
    denoiser = sketch.denoiser(kept)
    device = denoiser.device
    start_NCHW = torch.stack([sketch.start(place) for place in places]).to(device)
    _, channels, rows, columns = start_NCHW.shape

    def step_noise(step: int) -> torch.Tensor:
        shape = (channels, rows, columns)
        return torch.stack([request.noise.step(place, step, shape) for place in places]).to(device)

    sampling = SamplingRequest(
        process=model.process,
        wanted=sketch.wanted.of(places),
        unwanted=sketch.unwanted.of(places),
        start_NCHW=start_NCHW,
        step_noise=step_noise,
        guidance_scale=options.guidance_scale,
        num_steps=options.num_steps,
        start_step=sketch.start_step,
        kept=kept,
        eta=options.ddim_eta,
        threshold=threshold_of(model, request),
    )
    latents_NCHW = yield from SAMPLERS[options.sampler].run(denoiser, sampling)
    if kept is not None and model.sampling_rules(request.family_options).pastes_kept:
        latents_NCHW = kept.paste(latents_NCHW)
    return latents_NCHW
