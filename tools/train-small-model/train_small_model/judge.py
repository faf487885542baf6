"""The judge: a small convolutional classifier trained apart from the model, which knows the held-out concepts too.

It sees fresh renderings of every named concept, blurred, noised and jittered; everything else (other glyphs,
procedural variety, blends) is its last class, "other". The colour of the background is plain arithmetic.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from . import pictures as p
from . import vocabulary as v
from .common import load_trained, train
from .data import TrainingSet, batch_images
from .glyphs import judge_classes

if TYPE_CHECKING:
    from .stages import Place

WIDTHS = (16, 32, 64, 96)
INPUT_SIZE = 64
BORDER = 3


class Judge(nn.Module):
    """``[N, 3, 64, 64]`` in −1..1 → logits ``[N, classes]``. Each block: 3×3 convolution, GroupNorm, ReLU, halving."""

    def __init__(self, classes: int, widths: tuple[int, ...] = WIDTHS) -> None:
        super().__init__()
        blocks, before = [], 3
        for width in widths:
            blocks += [nn.Conv2d(before, width, 3, padding=1), nn.GroupNorm(8, width), nn.ReLU(), nn.MaxPool2d(2)]
            before = width
        self.features = nn.Sequential(*blocks)
        self.shrink = nn.AvgPool2d(2)
        self.classify = nn.Linear(before * 4, classes)

    def forward(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        return self.classify(self.shrink(self.features(pixels_NCHW)).flatten(1))


def background_colour(pixels_NCHW: torch.Tensor) -> list[str]:
    """The nearest of the nine named colours to each picture's median border pixel."""
    b = BORDER
    border = torch.cat(
        [pixels_NCHW[:, :, :b].flatten(2), pixels_NCHW[:, :, -b:].flatten(2), pixels_NCHW[..., :b].flatten(2),
         pixels_NCHW[..., -b:].flatten(2)], 2,
    )  # fmt: skip
    median = (border.median(2).values + 1) * 127.5
    table = torch.tensor(list(v.BACKGROUNDS.values()), dtype=torch.float32)
    return [list(v.BACKGROUNDS)[i] for i in torch.cdist(median, table).argmin(1).tolist()]


def run(place: Place) -> None:
    """The ``judge`` stage."""
    stage = place.config.judge
    torch.manual_seed(stage.seed)
    glyphs, data = place.glyphs, TrainingSet.open(place.work / "data")
    classes = judge_classes(glyphs)
    named = glyphs.of("plain", "coloured", "held_glyph", "held_combination")
    kinds = np.array([g.kind for g in glyphs.glyphs])
    others = np.flatnonzero((np.asarray(data.glyph) < 0) | (kinds[np.asarray(data.glyph)] == "private"))
    model = Judge(len(classes)).to(memory_format=torch.channels_last)

    def loss_of(step: int, rng: np.random.Generator) -> torch.Tensor:
        count = stage.batch * 7 // 8
        picks = rng.integers(0, len(named), count)
        base = p.to_tensor(glyphs.pixels[[named[i].index for i in picks]])
        _, ground = p.backgrounds(count, rng, plain=0.5)
        known = p.over(p.warp(base, p.Warp((0.72, 1.02), 0.1, 9.0, 0.05), rng, INPUT_SIZE), ground) * 2 - 1
        other = batch_images(data, np.sort(rng.choice(others, stage.batch - count)))
        blend = rng.random(len(other)) < 0.3
        if blend.any():
            other[blend] = (known[: int(blend.sum())] + known[-int(blend.sum()) :]) / 2
        pixels = degrade(torch.cat([known, other]), rng)
        target = torch.cat([torch.from_numpy(picks), torch.full((len(other),), len(classes) - 1)])
        return F.cross_entropy(model(pixels.contiguous(memory_format=torch.channels_last)), target)

    train("judge", stage, model, loss_of, place.work)
    accuracy(place, model)


def degrade(pixels_NCHW: torch.Tensor, rng: np.random.Generator) -> torch.Tensor:
    """Blur, noise and colour jitter such as a small decoder leaves, so that the judge reads shapes through them."""
    out = pixels_NCHW
    blurred = F.avg_pool2d(F.pad(out, (1, 1, 1, 1), mode="replicate"), 3, stride=1)
    softer = F.interpolate(F.avg_pool2d(out, 2), scale_factor=2.0, mode="bilinear")
    pick = torch.from_numpy(rng.integers(0, 4, len(out)))[:, None, None, None]
    out = torch.where(pick == 1, blurred, torch.where(pick == 2, softer, out))
    shape = (len(out), 3, 1, 1)
    gain = torch.from_numpy(rng.uniform(0.9, 1.1, shape).astype(np.float32))
    offset = torch.from_numpy(rng.uniform(-0.06, 0.06, shape).astype(np.float32))
    noise = torch.from_numpy(
        (rng.normal(0, 1, tuple(out.shape)) * rng.uniform(0, 0.1, (len(out), 1, 1, 1))).astype("f4")
    )
    return (out * gain + offset + noise).clamp(-1, 1)


@torch.no_grad()
def accuracy(place: Place, model: nn.Module) -> float:
    """Prints and returns top-1 on fresh undegraded renderings of every named concept."""
    from .data import held_out_pictures

    pictures, owners = held_out_pictures(
        place.glyphs, ("plain", "coloured", "held_glyph", "held_combination"), 2, 901, 0.5
    )
    classes = judge_classes(place.glyphs)
    pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
    got = torch.cat([model(part).argmax(1) for part in pixels.split(128)])
    right = float(np.mean([classes[i] == g.name for i, g in zip(got.tolist(), owners, strict=True)]))
    print(f"judge top-1 on fresh renderings: {right:.3f}", flush=True)
    return right


def load(place: Place) -> Judge:
    """The trained judge, frozen."""
    return load_trained("judge", Judge(len(judge_classes(place.glyphs))), place.work)  # type: ignore[return-value]
