"""How pictures are drawn, whatever the task."""

from __future__ import annotations

from dataclasses import dataclass, replace

from murnau_worker.models.kandinsky import Kandinsky
from murnau_worker.sampling.registry import DEFAULT_SAMPLER


@dataclass(frozen=True)
class DrawOptions:
    """Fields as in the proto; 0 and empty stand for the model's default until `with_defaults` has filled them.

    `width`, `height`: pixels of the finished picture; the decoder works on what they are rounded up to.
    """

    num_steps: int = 0
    guidance_scale: float = 0.0
    prior_steps: str = ""
    prior_guidance_scale: float = 0.0
    sampler: str = ""
    ddim_eta: float = 0.0
    width: int = 0
    height: int = 0
    negative_prior_prompt: str = ""
    negative_decoder_prompt: str = ""
    reference_quirks: bool = False
    preview_every_steps: int = 0


def with_defaults(options: DrawOptions, model: Kandinsky, own_size: tuple[int, int] | None) -> DrawOptions:
    """Fills what was left open: from the model, and the size from the picture drawn upon (width, height)."""
    width, height = own_size or (model.image_size, model.image_size)
    return replace(
        options,
        num_steps=options.num_steps or model.config.num_steps,
        guidance_scale=options.guidance_scale or model.config.guidance_scale,
        prior_steps=options.prior_steps or model.config.prior_steps,
        prior_guidance_scale=options.prior_guidance_scale or model.config.prior_guidance_scale,
        sampler=options.sampler or DEFAULT_SAMPLER,
        ddim_eta=0.0 if options.reference_quirks else options.ddim_eta,
        width=options.width or width,
        height=options.height or height,
    )
