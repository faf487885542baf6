"""The decoder: noise prediction on MoVQ latents, steered by image embeddings and XLM-R's text.

Half of each batch is picture-only (true embedding; empty text, or for private glyphs half the time their own token),
half captioned; about a third of the captioned embeddings are the prior's samples. Everything frozen is cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import UNet2DConditionModel
from torch import nn

from . import clip, models, movq, prior, xlmr
from .common import load_trained, train
from .data import TrainingSet, batch_images

if TYPE_CHECKING:
    from .stages import Place

STEPS = 1000
MIN_SNR = 5.0
EMPTY_EMBEDDING = 0.08  # Share of samples with zero embedding and empty text: guidance's unconditional half.
PRIOR_SHARE = 0.3
PRIOR_SAMPLES = 24_000
PRIOR_STEPS, PRIOR_GUIDANCE = 5, 4.0


def alphas_bar() -> torch.Tensor:
    """Cumulative alphas of Kandinsky's linear betas .00085 … .012."""
    return torch.cumprod(1 - torch.linspace(0.00085, 0.012, STEPS, dtype=torch.float64), 0).float()


def build(place: Place) -> UNet2DConditionModel:
    """A fresh decoder. The learnt-sigma channels start at zero and stay there: the middle of the allowed range."""
    model = models.unet(place.config.model)
    with torch.no_grad():
        model.conv_out.weight.mul_(0.1)
        model.conv_out.weight[4:].zero_()
        model.conv_out.bias.zero_()
    return model.to(memory_format=torch.channels_last)


def load(place: Place) -> UNet2DConditionModel:
    """The trained decoder, frozen."""
    return load_trained("unet", build(place), place.work)  # type: ignore[return-value]
