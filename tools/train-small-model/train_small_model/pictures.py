"""Composes training pictures: a warped glyph on a plain ground, two-glyph composites, drawn shapes.

Shapes: N pictures, H = W = 64, channels first; glyphs are premultiplied RGBA in 0..1.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageDraw

from . import vocabulary as v
from .glyphs import BASE_SIZE

BACKGROUND_NAMES = tuple(v.BACKGROUNDS)


@dataclass(frozen=True)
class Warp:
    """How far a glyph may be moved; lengths are fractions of half the picture, angles degrees."""

    scale: tuple[float, float] = (0.78, 0.98)
    shift: float = 0.06
    angle: float = 6.0
    stretch: float = 0.0
    flip: bool = True


def warp(glyphs_NCHW: torch.Tensor, spec: Warp, rng: np.random.Generator, size: int) -> torch.Tensor:
    """Scales, shifts, turns and mirrors each glyph at random; returns ``[N, 4, size, size]``."""
    n = len(glyphs_NCHW)
    scale = rng.uniform(*spec.scale, n)
    angle = np.deg2rad(rng.uniform(-spec.angle, spec.angle, n))
    stretch = np.exp(rng.uniform(-spec.stretch, spec.stretch, n))
    mirror = np.where(rng.random(n) < 0.5, -1.0, 1.0) if spec.flip else np.ones(n)
    shift = rng.uniform(-spec.shift, spec.shift, (n, 2))
    theta = np.zeros((n, 2, 3))
    theta[:, 0, 0], theta[:, 0, 1] = mirror * np.cos(angle) * stretch / scale, mirror * np.sin(angle) * stretch / scale
    theta[:, 1, 0], theta[:, 1, 1] = -np.sin(angle) / stretch / scale, np.cos(angle) / stretch / scale
    theta[:, 0, 2], theta[:, 1, 2] = shift[:, 0], shift[:, 1]
    matrix = torch.from_numpy(theta.astype(np.float32))
    grid = F.affine_grid(matrix, [n, 4, 2 * size, 2 * size], align_corners=False)
    return F.avg_pool2d(F.grid_sample(glyphs_NCHW, grid, align_corners=False), 2)


def backgrounds(n: int, rng: np.random.Generator, plain: float) -> tuple[np.ndarray, torch.Tensor]:
    """Index into BACKGROUND_NAMES (-1: an unnamed light tint) and colours ``[N, 3, 1, 1]`` in 0..1.

    A share ``plain`` is white, a tenth light tints, the rest one of the nine with a little jitter.
    """
    draw = rng.random(n)
    index = np.where(draw < plain, 0, np.where(draw < plain + 0.1, -1, rng.integers(0, len(BACKGROUND_NAMES), n)))
    table = np.array(list(v.BACKGROUNDS.values()), dtype=np.float32)
    colours = table[np.maximum(index, 0)] + rng.normal(0, 6, (n, 3)) * (index > 0)[:, None]
    colours[index == -1] = rng.uniform(195, 255, ((index == -1).sum(), 3))
    return index, torch.from_numpy((colours / 255).clip(0, 1).astype(np.float32))[:, :, None, None]


def over(glyphs_NCHW: torch.Tensor, ground: torch.Tensor) -> torch.Tensor:
    """Premultiplied RGBA over RGB."""
    return glyphs_NCHW[:, :3] + ground * (1 - glyphs_NCHW[:, 3:])


def rotate_hue(glyphs_NCHW: torch.Tensor, rng: np.random.Generator, share: float) -> torch.Tensor:
    """Turns the hue of a share of the glyphs (a rotation about the grey axis) or swaps their channels."""
    out = glyphs_NCHW.clone()
    for i in np.flatnonzero(rng.random(len(out)) < share):
        out[i, :3] = out[i, :3][torch.from_numpy(rng.permutation(3))]
        if rng.random() < 0.5:
            angle = rng.uniform(0, 2 * np.pi)
            c, s, third = np.cos(angle), np.sin(angle) / np.sqrt(3), (1 - np.cos(angle)) / 3
            matrix = np.full((3, 3), third) + np.eye(3) * c + s * np.array([[0, -1, 1], [1, 0, -1], [-1, 1, 0]])
            rgb = torch.einsum("ij,jhw->ihw", torch.from_numpy(matrix.astype(np.float32)), out[i, :3])
            out[i, :3] = torch.minimum(rgb.clamp(min=0), out[i, 3:])
    return out


def drawn_shapes(n: int, rng: np.random.Generator) -> torch.Tensor:
    """One to four random ellipses, boxes, polygons and lines a picture, as premultiplied RGBA ``[N, 4, 128, 128]``."""
    out = np.zeros((n, BASE_SIZE, BASE_SIZE, 4), dtype=np.uint8)
    for i in range(n):
        image = Image.new("RGBA", (BASE_SIZE, BASE_SIZE))
        pen = ImageDraw.Draw(image)
        for _ in range(rng.integers(1, 6)):
            colour = (*(int(c) for c in rng.integers(0, 256, 3)), 255)
            x0, y0 = rng.uniform(0, BASE_SIZE * 0.7, 2)
            x1, y1 = (x0, y0) + rng.uniform(BASE_SIZE * 0.12, BASE_SIZE * 0.8, 2)
            kind = rng.integers(4)
            if kind == 0:
                pen.ellipse((x0, y0, x1, y1), fill=colour)
            elif kind == 1:
                pen.rounded_rectangle((x0, y0, x1, y1), radius=float(rng.uniform(0, 20)), fill=colour)
            elif kind == 2:
                points = rng.uniform((x0, y0), (x1, y1), (int(rng.integers(3, 7)), 2))
                pen.polygon([(float(x), float(y)) for x, y in points], fill=colour)
            else:
                pen.line((x0, y0, x1, y1), fill=colour, width=int(rng.integers(3, 14)))
        out[i] = np.asarray(image)
    return to_tensor(out)


def to_tensor(pixels: np.ndarray) -> torch.Tensor:
    """``[N, H, W, C]`` uint8 → ``[N, C, H, W]`` float in 0..1."""
    return torch.from_numpy(pixels).permute(0, 3, 1, 2).float() / 255


def to_uint8(pictures_NCHW: torch.Tensor) -> np.ndarray:
    """``[N, C, H, W]`` in 0..1 → ``[N, H, W, C]`` uint8."""
    return (pictures_NCHW.clamp(0, 1) * 255).round().to(torch.uint8).permute(0, 2, 3, 1).numpy()
