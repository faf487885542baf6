"""The inpainting decoder: the decoder with five more inputs, the picture's kept latents and the mask (1: kept).

It goes on from the decoder, the new inputs' weights at zero. A part of the pictures are joined from two on the same
ground: there the kept part shows something else than what the text asks for, as when a thing is replaced.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from . import masks, models, unet
from .common import load_trained, mixed, train

if TYPE_CHECKING:
    from .stages import Place

IN_CHANNELS = 9
KEPT_WEIGHT = 0.25  # Of a kept latent's error, against 1 of a repainted one's: the sampler puts the kept ones back.
JOINED = 0.4  # Share of the samples offered another picture to keep.
LEAST_INSIDE = 0.75  # Of the thing asked for, in latents that are repainted; else nothing is joined.


def widened(decoder: UNet2DConditionModel, place: Place) -> UNet2DConditionModel:
    """The decoder with IN_CHANNELS inputs that draws as before, whatever the new ones hold."""
    model, state = models.unet(place.config.model, IN_CHANNELS), decoder.state_dict()
    weight = torch.zeros_like(model.conv_in.weight)
    weight[:, :4] = state["conv_in.weight"]
    model.load_state_dict(state | {"conv_in.weight": weight})
    return model.to(memory_format=torch.channels_last)


def build(place: Place) -> UNet2DConditionModel:
    return widened(unet.load(place), place)


class Pictures:
    """Draws what is kept and what is to be drawn: latents joined from two pictures where they share a named ground."""

    def __init__(self, batches: unet.Batches) -> None:
        self.batches = batches
        self.ground = np.asarray(batches.data.background)
        self.same_ground = {int(g): np.flatnonzero(self.ground == g) for g in np.unique(self.ground) if g >= 0}

    def draw(self, rows: np.ndarray, rng: np.random.Generator) -> tuple[torch.Tensor, torch.Tensor]:
        """Latents ``[B, 4, 16, 16]`` and masks ``[B, 1, 16, 16]`` for the wanted ``rows``."""
        images = self.batches.data.images
        wanted, kept = masks.things(images[rows]), rows.copy()
        offered = np.flatnonzero((self.ground[rows] >= 0) & (rng.random(len(rows)) < JOINED))
        kept[offered] = [rng.choice(self.same_ground[int(g)]) for g in self.ground[rows[offered]]]
        shown = masks.things(images[kept])
        mask = masks.draw(shown, rng)
        inside = (wanted * (1 - mask)).sum((1, 2)) / np.maximum(wanted.sum((1, 2)), 1)
        kept = np.where(inside >= LEAST_INSIDE, kept, rows)
        keep = torch.from_numpy(mask)[:, None]
        return keep * self.batches.latents_of(kept) + (1 - keep) * self.batches.latents_of(rows), keep


def inputs(noisy_NCHW: torch.Tensor, latents_NCHW: torch.Tensor, mask_N1HW: torch.Tensor) -> torch.Tensor:
    """The nine channels in Kandinsky 2.1's order: noised latents, kept latents, mask."""
    joined = torch.cat([noisy_NCHW, latents_NCHW * mask_N1HW, mask_N1HW], 1)
    return joined.contiguous(memory_format=torch.channels_last)


def run(place: Place) -> None:
    """The ``inpaint`` stage."""
    stage = place.config.inpaint
    torch.manual_seed(stage.seed)
    model, batches, bars = build(place).requires_grad_(True), unet.Batches(place), unet.alphas_bar()
    pictures = Pictures(batches)

    def loss_of(step: int, rng: np.random.Generator) -> torch.Tensor:
        rows, embeds, pooled, text = batches.draw_rows(rng, stage.batch)
        latents, mask = pictures.draw(rows, rng)
        t, noise, noisy = unet.noised(latents, bars, rng)
        with mixed():
            conditions = models.added_conditions(pooled, embeds)
            guess = model(inputs(noisy, latents, mask), t, text, added_cond_kwargs=conditions).sample[:, :4]
        place_weight = 1 - (1 - KEPT_WEIGHT) * mask
        errors = (place_weight * (guess.float() - noise).square()).mean((1, 2, 3))
        return (unet.min_snr_weight(bars[t]) * errors).mean() / 0.5

    train("inpaint", stage, model, loss_of, place.work, save_every=100)


def load(place: Place) -> UNet2DConditionModel:
    """The trained inpainting decoder, frozen."""
    return load_trained("inpaint", models.unet(place.config.model, IN_CHANNELS), place.work)  # type: ignore[return-value]
