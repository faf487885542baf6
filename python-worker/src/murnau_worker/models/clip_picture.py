"""CLIP's preparation of a picture. Source: openai/CLIP `clip.py`, `_transform`. Legend: H/W pixels."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from PIL import Image

from murnau_worker.core.pictures import to_pixels

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class ClipNormalisation:
    """Mean and deviation of red, green and blue in 0..1; OpenAI's where a model says nothing."""

    mean: Channels = (0.48145466, 0.4578275, 0.40821073)
    deviation: Channels = (0.26862954, 0.26130258, 0.27577711)


@runtime_checkable
class ClipSource(Protocol):
    """A model folder with CLIP's image tower."""

    def read_clip_normalisation(self) -> ClipNormalisation:
        """How the image tower wants its pictures. Raises WorkerError `model.unreadable`."""
        ...


def read_clip_normalisation(path: Path) -> ClipNormalisation:
    """Reads an image processor's `preprocessor_config.json`, if it is there. Raises ValueError or KeyError."""
    if not path.is_file():
        return ClipNormalisation()
    content = json.loads(path.read_text("utf-8"))
    return ClipNormalisation(mean=tuple(content["image_mean"]), deviation=tuple(content["image_std"]))


def clip_pixels(picture: Image.Image, side: int, normalisation: ClipNormalisation) -> torch.Tensor:
    """The shortest side scaled to `side` (bicubic), the centred square, normalised: [1, 3, side, side]."""
    width, height = picture.size
    shortest = min(width, height)
    scaled = picture.resize((side * width // shortest, side * height // shortest), Image.Resampling.BICUBIC)
    left, top = round((scaled.width - side) / 2), round((scaled.height - side) / 2)
    pixels_3HW = to_pixels(scaled.crop((left, top, left + side, top + side)))
    mean_311 = torch.tensor(normalisation.mean)[:, None, None]
    deviation_311 = torch.tensor(normalisation.deviation)[:, None, None]
    return (((pixels_3HW + 1) / 2 - mean_311) / deviation_311)[None]
