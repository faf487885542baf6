"""Random masks at the latents' resolution for training the inpainting decoder: 1 is kept, 0 repainted.

Shapes: N samples, S = 16 latents a side, P = 4 pixels a latent's side.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
import torch.nn.functional as F

SIDE = 16
LEAST_REPAINTED = 0.15
GROUND_TOLERANCE = 24  # Of 255: a pixel further than this from the border's median colour belongs to the thing.
SHARES = {"whole": 0.1, "box": 0.2, "half": 0.15, "boxes": 0.12, "disc": 0.1, "blob": 0.13, "thing": 0.2}
INVERTED = 0.25  # Share of boxes, discs and blobs whose inside is kept and outside repainted.
ATTEMPTS = 20

_y, _x = (grid + 0.5 for grid in np.mgrid[:SIDE, :SIDE])


def things(pictures_NHWC: np.ndarray) -> np.ndarray:
    """Share of each latent's pixels that differ from the picture's plain ground, ``[N, S, S]`` in 0..1."""
    x = torch.from_numpy(pictures_NHWC).permute(0, 3, 1, 2).to(torch.int16)
    edge = torch.cat([x[:, :, 0], x[:, :, -1], x[..., 0], x[..., -1]], 2)
    ground = edge.median(2).values[..., None, None]
    differs = ((x - ground).abs().amax(1, keepdim=True) > GROUND_TOLERANCE).float()
    return F.avg_pool2d(differs, pictures_NHWC.shape[1] // SIDE)[:, 0].numpy()


def grown(shape_SS: np.ndarray, latents: int) -> np.ndarray:
    """A shape and everything at most ``latents`` beside it, diagonals included."""
    padded = torch.from_numpy(shape_SS.astype(np.float32))[None, None]
    return F.max_pool2d(padded, 2 * latents + 1, 1, latents)[0, 0].numpy() > 0.5


def _box(rng: np.random.Generator, least: int = 6) -> np.ndarray:
    height, width = rng.integers(least, SIDE + 1, 2)
    top, left = rng.integers(0, SIDE - height + 1), rng.integers(0, SIDE - width + 1)
    return (_y > top) & (_y < top + height) & (_x > left) & (_x < left + width)


def _boxes(rng: np.random.Generator) -> np.ndarray:
    return np.any([_box(rng, 3) & _box(rng, 8) for _ in range(rng.integers(2, 5))], 0)


def _half(rng: np.random.Generator) -> np.ndarray:
    """One side of a line; half of the lines are upright or level."""
    angle = rng.integers(4) * np.pi / 2 if rng.random() < 0.5 else rng.uniform(0, 2 * np.pi)
    distance = (_x - SIDE / 2) * np.cos(angle) + (_y - SIDE / 2) * np.sin(angle)
    return distance > rng.uniform(-6, 4)


def _disc(rng: np.random.Generator) -> np.ndarray:
    x, y = rng.uniform(4, SIDE - 4, 2)
    return np.hypot(_x - x, (_y - y) * rng.uniform(0.7, 1.4)) < rng.uniform(3.5, 9)


def _blob(rng: np.random.Generator) -> np.ndarray:
    """Smooth noise above one of its quantiles."""
    coarse = torch.from_numpy(rng.standard_normal((1, 1, 5, 5), dtype=np.float32))
    noise = F.interpolate(coarse, (SIDE, SIDE), mode="bicubic", align_corners=True)[0, 0].numpy()
    return noise > np.quantile(noise, rng.uniform(0.15, 0.8))


SHAPES: dict[str, Callable[[np.random.Generator], np.ndarray]] = {
    "box": _box, "half": _half, "boxes": _boxes, "disc": _disc, "blob": _blob,
}  # fmt: skip


def _thing(thing_SS: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Where to repaint: the ground, mostly with the thing's rim; or the thing, generously."""
    if rng.random() < 0.5:
        return thing_SS < rng.choice((0.25, 0.75, 0.95))
    return grown(thing_SS > 0, int(rng.integers(0, 3)))


def draw(thing_NSS: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Masks ``[N, S, S]`` float32, one a thing, each repainting LEAST_REPAINTED … all of the latents."""
    kinds = rng.choice(list(SHARES), len(thing_NSS), p=list(SHARES.values()))
    return np.stack([1 - _repainted(kind, thing, rng) for kind, thing in zip(kinds, thing_NSS, strict=True)])


def _repainted(kind: str, thing_SS: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    for _ in range(ATTEMPTS if kind != "whole" else 0):
        if kind == "thing":
            shape = _thing(thing_SS, rng)
        else:
            shape = SHAPES[kind](rng)
            if kind != "half" and rng.random() < INVERTED:
                shape = ~shape
        if shape.mean() >= LEAST_REPAINTED:
            return shape.astype(np.float32)
    return np.ones((SIDE, SIDE), np.float32)
