"""From prompts to pictures, one small step at a time.

Every picture has its own seed and draws: drawn in a batch it equals itself drawn alone, to floating-point noise.
Legend: N pictures, C latent channels, H/W latent cells or pixels, S prior steps, E joint width.
"""

from __future__ import annotations

import io
from collections.abc import Generator
from dataclasses import dataclass, field
from typing import Literal

import torch
from PIL import Image

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.models.prior_network import TextKeys
from murnau_worker.models.text_towers import Pooling
from murnau_worker.sampling.decoder import LATENT_CHANNELS, DecoderCondition, DecoderRequest
from murnau_worker.sampling.prior_sampler import sample_image_embedding
from murnau_worker.sampling.registry import DEFAULT_SAMPLER, SAMPLERS
from murnau_worker.textual_inversion.draws import Draws
from murnau_worker.textual_inversion.objective import LearntPair
from murnau_worker.textual_inversion.prompts import PromptEncoder

Phase = Literal["prior", "decoder", "decoding"]


@dataclass(frozen=True)
class DrawOptions:
    """How pictures are drawn. `width`, `height`: pixels."""

    num_steps: int
    guidance_scale: float
    prior_steps: int
    prior_guidance_scale: float
    width: int
    height: int
    sampler: str = DEFAULT_SAMPLER
    negative_prior_prompt: str = ""
    negative_decoder_prompt: str = ""


@dataclass(frozen=True)
class DrawRequest:
    """Prompts and seeds of N pictures, with the learnt words they may hold."""

    encoder: PromptEncoder
    rows: LearntPair | None
    pooling: Pooling
    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    options: DrawOptions
    device: torch.device = field(default_factory=lambda: torch.device("cpu"))


@dataclass(frozen=True)
class DrawProgress:
    """UNet evaluations done and to do."""

    phase: Phase
    step: int
    steps: int


def default_options(model: Kandinsky, *, num_steps: int = 0, guidance_scale: float = 0.0) -> DrawOptions:
    """The model's defaults; 0 keeps a default."""
    sampling = model.config
    return DrawOptions(
        num_steps=num_steps or sampling.num_steps,
        guidance_scale=guidance_scale or sampling.guidance_scale,
        prior_steps=sampling.prior_steps,
        prior_guidance_scale=sampling.prior_guidance_scale,
        width=model.image_size,
        height=model.image_size,
    )


def latent_size(model: Kandinsky, pixels: int) -> int:
    """Latent cells of a side, rounded up to what the UNet halves evenly (the original: to 64 pixels)."""
    halvings = 2 ** (len(model.unet.config.block_out_channels) - 1)
    cells = -(-pixels // model.latent_factor)
    return -(-cells // halvings) * halvings


def _image_embeddings(model: Kandinsky, request: DrawRequest, prompts: tuple[str, ...]) -> torch.Tensor:
    """Samples the prior for each picture's prompt by its own draws: [N, E]."""
    options = request.options
    batch = request.encoder.batch(prompts)
    rows = request.rows.t2_RD if request.rows else None
    text = model.prior.encode_text(model.t2.encode(batch.t2_ids_NL, batch.t2_mask_NL, rows, request.pooling))
    draws = [Draws(seed) for seed in request.seeds]
    width = model.prior.embedding_width
    steps_NSE = torch.stack([draw.normal("prior_steps", 0, 0, (options.prior_steps, width)) for draw in draws])
    return sample_image_embedding(
        model.prior,
        text,
        _unwanted_keys(model, request),
        torch.stack([draw.normal("prior_init", 0, 0, (width,)) for draw in draws]),
        steps_NSE.transpose(0, 1),
        options.prior_guidance_scale,
    )


def _unwanted_keys(model: Kandinsky, request: DrawRequest) -> TextKeys:
    negative = request.options.negative_prior_prompt
    if not negative:
        return model.empty_text_keys()
    batch = request.encoder.batch([negative])
    rows = request.rows.t2_RD if request.rows else None
    return model.prior.encode_text(model.t2.encode(batch.t2_ids_NL, batch.t2_mask_NL, rows, request.pooling))


def _conditions(model: Kandinsky, request: DrawRequest) -> tuple[DecoderCondition, DecoderCondition]:
    """Wanted and unwanted halves. As in the original a negative decoder prompt acts by its image embedding only."""
    batch = request.encoder.batch(request.prompts)
    text = model.t1.encode(batch.t1_ids_NL, request.rows.t1_RD if request.rows else None)
    wanted = DecoderCondition(text.context_BPD, text.pooled_BE, _image_embeddings(model, request, request.prompts))
    empty = model.unwanted_condition()
    count = len(request.prompts)
    image_NE = empty.image_NE.expand(count, -1)
    if request.options.negative_decoder_prompt:
        image_NE = _image_embeddings(model, request, (request.options.negative_decoder_prompt,) * count)
    unwanted = DecoderCondition(empty.context_NPD.expand(count, -1, -1), empty.pooled_NE.expand(count, -1), image_NE)
    return wanted, unwanted


def draw_pictures(model: Kandinsky, request: DrawRequest) -> Generator[DrawProgress, None, torch.Tensor]:
    """Yields progress after each small step and returns pictures [N, 3, height, width] in -1..1."""
    options = request.options
    shape = (LATENT_CHANNELS, latent_size(model, options.height), latent_size(model, options.width))
    draws = [Draws(seed) for seed in request.seeds]

    with torch.inference_mode():
        wanted, unwanted = _conditions(model, request)
    yield DrawProgress("prior", 0, options.num_steps)

    decoder_request = DecoderRequest(
        wanted=wanted,
        unwanted=unwanted,
        noise_NCHW=torch.stack([draw.normal("start", 0, 0, shape) for draw in draws]),
        step_noise=lambda step: torch.stack([draw.normal("steps", step, 0, shape) for draw in draws]),
        guidance_scale=options.guidance_scale,
        num_steps=options.num_steps,
    )
    sampler = SAMPLERS[options.sampler](model.unet, decoder_request)
    while True:
        try:
            with torch.inference_mode():
                done, total = next(sampler)
        except StopIteration as finished:
            latents_NCHW: torch.Tensor = finished.value
            break
        yield DrawProgress("decoder", done, total)
    pictures: list[torch.Tensor] = []
    for cells_CHW in latents_NCHW:
        pictures.append(model.decode_latents(cells_CHW[None]))
        yield DrawProgress("decoding", 0, 0)
    return torch.cat(pictures)[:, :, : options.height, : options.width]


def to_png(picture_3HW: torch.Tensor) -> bytes:
    """A picture in -1..1 as an 8-bit sRGB PNG."""
    levels = ((picture_3HW.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    buffer = io.BytesIO()
    Image.fromarray(levels.permute(1, 2, 0).numpy()).save(buffer, "PNG")
    return buffer.getvalue()
