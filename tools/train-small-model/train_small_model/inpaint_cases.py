"""Pictures to repaint: fresh renderings, what is repainted, a caption; and what the inpainting decoder draws."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F

from . import masks
from . import pictures as p
from . import vocabulary as v
from .data import fresh_layers
from .glyphs import Glyph, GlyphSet
from .sampling import Shipped

BATCH = 36
SHARE_KEPT = 0.95  # Of a latent's pixels that must be the thing's for it to be kept while the ground is repainted.

# A picture's thing [16, 16] (its share of each latent's pixels) → what is repainted.
AREAS = {
    "box": lambda thing: np.pad(np.ones((12, 12), bool), 2),
    "outline": lambda thing: masks.grown(thing > 0, 1),
    "right half": lambda thing: np.arange(masks.SIDE)[None].repeat(masks.SIDE, 0) >= masks.SIDE // 2,
    "lower half": lambda thing: np.arange(masks.SIDE)[:, None].repeat(masks.SIDE, 1) >= masks.SIDE // 2,
    "ground": lambda thing: thing < SHARE_KEPT,
    "everything": lambda thing: np.ones((masks.SIDE, masks.SIDE), bool),
}  # fmt: skip


@dataclass(frozen=True)
class Cases:
    """Pictures ``[N, 3, 64, 64]`` in −1..1, latents, masks (1: kept), captions; classes ``[N]`` shown and wanted."""

    pixels: torch.Tensor
    latents: torch.Tensor
    mask: torch.Tensor
    prompts: list[str]
    shown: torch.Tensor
    target: torch.Tensor


def cases(glyphs: GlyphSet, shipped: Shipped, owners: list[Glyph], grounds: np.ndarray, areas: list[str],
          prompts: list[str], wanted: list[Glyph], seed: int) -> Cases:  # fmt: skip
    """Fresh pictures of ``owners`` on the named ``grounds`` [N] (indices), to be repainted in ``areas``."""
    table = np.array(list(v.BACKGROUNDS.values()), np.float32) / 255
    layers = fresh_layers(glyphs, owners, np.random.default_rng(seed))
    pixels = p.over(layers, torch.from_numpy(table[grounds])[:, :, None, None]) * 2 - 1
    things = F.avg_pool2d((layers[:, 3:] > 0.5).float(), 64 // masks.SIDE)[:, 0].numpy()
    area = np.stack([AREAS[name](thing) for name, thing in zip(areas, things, strict=True)])
    shown, target = (torch.tensor([shipped.classes.index(g.name) for g in part]) for part in (owners, wanted))
    mask = torch.from_numpy(1 - area.astype(np.float32))[:, None]
    return Cases(pixels, shipped.encode(pixels), mask, prompts, shown, target)


def phrase(glyph: Glyph, ground: int) -> str:
    """The caption, which names the ground unless it is white (index 0), as the training's captions do."""
    text = f"a photo of a {glyph.names['en']}"
    return f"{text} {v.BACKGROUND_PHRASES['en'][p.BACKGROUND_NAMES[ground]]}" if ground else text


def repainted(shipped: Shipped, part: Cases, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Latents as drawn, and pictures with the kept latents put back."""
    generator, drawn = torch.Generator().manual_seed(seed), []
    for rows in torch.arange(len(part.prompts)).split(BATCH):
        prompts = [part.prompts[i] for i in rows.tolist()]
        with torch.no_grad():
            embeds = shipped.prior_embeddings(shipped.clip_ids(prompts), generator)
        ids = shipped.xlmr_ids(prompts)
        drawn.append(shipped.repaint(part.latents[rows], part.mask[rows], embeds, ids, generator))
    latents = torch.cat(drawn)
    return latents, shipped.pasted(latents, part.latents, part.mask)


def kept_psnr(pictures_NCHW: torch.Tensor, returned_NCHW: torch.Tensor, mask_N1HW: torch.Tensor) -> float:
    """Peak signal-to-noise ratio in dB of the kept pixels, against the untouched picture's round trip through MoVQ."""
    kept = _of_pixels(mask_N1HW).expand_as(pictures_NCHW)
    error = ((pictures_NCHW - returned_NCHW)[kept] / 2).square().mean()
    return round(float(-10 * error.log10()), 1)


def seam(pictures_NCHW: torch.Tensor, mask_N1HW: torch.Tensor) -> float:
    """Mean absolute difference (of 0..255) between neighbouring pixels where one is kept and the other is not."""
    kept = _of_pixels(mask_N1HW)
    total, count = 0.0, 0
    for axis in (-1, -2):
        size = kept.shape[axis]
        crosses = kept.narrow(axis, 1, size - 1) ^ kept.narrow(axis, 0, size - 1)
        steps = (pictures_NCHW.narrow(axis, 1, size - 1) - pictures_NCHW.narrow(axis, 0, size - 1)).abs().mean(1, True)
        total, count = total + float(steps[crosses].sum()), count + int(crosses.sum())
    return round(total / max(count, 1) * 127.5, 1)


def _of_pixels(mask_N1HW: torch.Tensor) -> torch.Tensor:
    """True at the pixels of kept latents, ``[N, 1, 64, 64]``."""
    return mask_N1HW.repeat_interleave(4, -1).repeat_interleave(4, -2) > 0.5
