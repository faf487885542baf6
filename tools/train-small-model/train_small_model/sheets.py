"""Contact sheets: rows of pictures with a label under each."""

from __future__ import annotations

from pathlib import Path

import torch
from PIL import Image, ImageDraw

from .pictures import to_uint8


def sheet(
    pictures_NCHW: torch.Tensor, path: Path, columns: int, zoom: int = 2, labels: list[str] | None = None
) -> None:
    """Saves pictures in −1..1 as one PNG, ``zoom`` times enlarged; labels go under each picture."""
    size = pictures_NCHW.shape[-1] * zoom
    height = size + (14 if labels else 2)
    rows = -(-len(pictures_NCHW) // columns)
    canvas = Image.new("RGB", (columns * (size + 4), rows * height), "white")
    pen = ImageDraw.Draw(canvas)
    for i, image in enumerate(to_uint8(pictures_NCHW / 2 + 0.5)):
        x, y = i % columns * (size + 4), i // columns * height
        canvas.paste(Image.fromarray(image).resize((size, size), Image.Resampling.BICUBIC), (x, y))
        if labels:
            pen.text((x + 2, y + size), labels[i], fill="black")
    path.parent.mkdir(parents=True, exist_ok=True)
    canvas.save(path, optimize=True)
