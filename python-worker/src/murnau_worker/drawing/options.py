"""How pictures are drawn, whatever the task."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from murnau_worker.families.description import FamilyOptions
from murnau_worker.families.family import FamilyModel
from murnau_worker.sampling.samplers import DEFAULT_SAMPLER


@dataclass(frozen=True)
class DrawOptions:
    """Fields as in the proto; 0 and empty stand for the model's default until `with_defaults` has filled them.

    `width`, `height`: pixels of the finished picture; the decoder works on what they are rounded up to. `family`: the
    family's own; what is left out there the family fills itself.
    """

    num_steps: int = 0
    guidance_scale: float = 0.0
    sampler: str = ""
    ddim_eta: float = 0.0
    width: int = 0
    height: int = 0
    preview_every_steps: int = 0
    family: FamilyOptions | None = None


def with_defaults(options: DrawOptions, model: FamilyModel, own_size: tuple[int, int] | None) -> DrawOptions:
    """Fills what was left open from the model. `own_size`: width and height of the picture drawn upon."""
    family = options.family or model.description.options()
    rules = model.sampling_rules(family)
    width, height = _size(options, model, None if rules.squashes else own_size)
    return replace(
        options,
        num_steps=options.num_steps or model.settings.num_steps,
        guidance_scale=options.guidance_scale or model.settings.guidance_scale,
        sampler=options.sampler or DEFAULT_SAMPLER,
        ddim_eta=options.ddim_eta if rules.takes_eta else 0.0,
        width=width,
        height=height,
        family=family,
    )


def _size(options: DrawOptions, model: FamilyModel, own_size: tuple[int, int] | None) -> tuple[int, int]:
    """Width and height: as asked for; else the model's square, or a picture's proportions on the model's area.

    The model draws best at the size it was trained for, and a photograph's own size would need a larger device.
    """
    if (options.width and options.height) or own_size is None:
        return options.width or model.image_size, options.height or model.image_size
    own_width, own_height = own_size
    if options.width:
        scale = options.width / own_width
    elif options.height:
        scale = options.height / own_height
    else:
        scale = model.image_size / math.sqrt(own_width * own_height)
    cell = model.latent_factor
    width, height = (max(1, round(side * scale / cell)) * cell for side in own_size)
    return options.width or width, options.height or height
