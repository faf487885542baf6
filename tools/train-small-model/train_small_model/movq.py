"""MoVQ: an autoencoder of factor 4 with spatial norm; its latents get unit deviation inside the weights.

Kandinsky 2.1 never quantises when it decodes, so the autoencoder is trained on continuous latents with a little noise
(which keeps them smooth), and the codebook is fitted to them by k-means at the end.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import VQModel

from . import models
from .common import load_trained, save_atomic, train
from .data import TrainingSet, batch_images, held_out_pictures

if TYPE_CHECKING:
    from .stages import Place

LATENT_NOISE = 0.08
SPREAD_WEIGHT = 0.02  # Holds the latents' deviation near one while training.


def run(place: Place) -> None:
    """The ``movq`` stage: training, then unit deviation and the codebook, saved as ``movq-final.ckpt``."""
    stage = place.config.movq
    torch.manual_seed(stage.seed)
    data = TrainingSet.open(place.work / "data")
    model = models.movq(place.config.model, place.config.data.image_size).to(memory_format=torch.channels_last)
    model.quantize.requires_grad_(False)

    def loss_of(step: int, rng: np.random.Generator) -> torch.Tensor:
        rows = np.sort(rng.choice(len(data.images), stage.batch, replace=False))
        pixels = batch_images(data, rows).contiguous(memory_format=torch.channels_last)
        latents = model.encode(pixels).latents
        noisy = latents + LATENT_NOISE * torch.randn_like(latents)
        decoded = model.decode(noisy, force_not_quantize=True).sample
        spread = latents.mean((0, 2, 3)).square().mean() + (latents.std((0, 2, 3)) - 1).square().mean()
        return F.l1_loss(decoded, pixels) + 2 * F.mse_loss(decoded, pixels) + SPREAD_WEIGHT * spread

    trained = train("movq", stage, model, loss_of, place.work)
    trained.requires_grad_(False)
    _finish(trained, data, place)  # type: ignore[arg-type]


@torch.no_grad()
def _finish(model: VQModel, data: TrainingSet, place: Place) -> None:
    rows = np.arange(0, 2_000)
    latents = torch.cat([model.encode(batch_images(data, part)).latents for part in np.array_split(rows, 40)])
    mean, deviation = latents.mean((0, 2, 3)), latents.std((0, 2, 3))
    scale_latents(model, mean, deviation)
    flat = ((latents - mean[:, None, None]) / deviation[:, None, None]).permute(0, 2, 3, 1).reshape(-1, 4)
    model.quantize.embedding.weight.copy_(_k_means(flat, place.config.model.movq_codes, place.config.movq.seed))
    save_atomic({"module": model.state_dict()}, place.work / "movq-final.ckpt")
    for kinds in (("plain",), ("held_glyph", "held_combination")):
        pictures, _ = held_out_pictures(place.glyphs, kinds, each=2, seed=77, plain=0.5)
        print(f"movq PSNR {kinds}: {psnr(model, pictures[:128]):.2f} dB", flush=True)


@torch.no_grad()
def scale_latents(model: VQModel, mean: torch.Tensor, deviation: torch.Tensor) -> None:
    """Folds z → (z − mean) / deviation into ``quant_conv`` and its inverse into what reads z: ``post_quant_conv`` and
    every spatial norm's two 1×1 convolutions."""
    model.quant_conv.weight.div_(deviation[:, None, None, None])
    model.quant_conv.bias.copy_((model.quant_conv.bias - mean) / deviation)
    readers = [model.post_quant_conv]
    for module in model.decoder.modules():
        if type(module).__name__ == "SpatialNorm":
            readers += [module.conv_y, module.conv_b]
    for conv in readers:
        conv.bias.add_(torch.einsum("oi,i->o", conv.weight[:, :, 0, 0], mean))
        conv.weight.mul_(deviation[None, :, None, None])


@torch.no_grad()
def psnr(model: VQModel, pictures: np.ndarray) -> float:
    """Mean peak signal-to-noise ratio in dB of a round trip of ``[N, 64, 64, 3]`` uint8 pictures."""
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    decoded = model.decode(model.encode(pixels).latents, force_not_quantize=True).sample.clamp(-1, 1)
    error = ((decoded - pixels) / 2).square().mean((1, 2, 3))
    return float((-10 * error.log10()).mean())


def _k_means(points_ND: torch.Tensor, count: int, seed: int) -> torch.Tensor:
    generator = torch.Generator().manual_seed(seed)
    points = points_ND[torch.randperm(len(points_ND), generator=generator)[:20_000]]
    centres = points[:count].clone()
    for _ in range(8):
        nearest = torch.cdist(points, centres).argmin(1)
        sums = torch.zeros_like(centres).index_add_(0, nearest, points)
        sizes = torch.bincount(nearest, minlength=count)
        centres = torch.where(sizes[:, None] > 0, sums / sizes.clamp(min=1)[:, None], centres)
    return centres


def load(place: Place) -> VQModel:
    """The finished autoencoder, frozen."""
    model = models.movq(place.config.model, place.config.data.image_size)
    return load_trained("movq-final", model, place.work)  # type: ignore[return-value]
