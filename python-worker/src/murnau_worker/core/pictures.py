"""Pictures that people send, read safely, and pictures that are sent back. Legend: H/W pixels."""

from __future__ import annotations

import io
from collections.abc import Generator
from contextlib import contextmanager

import numpy as np
import torch
from PIL import Image, ImageOps, UnidentifiedImageError

from murnau_worker.core.errors import WorkerError

LARGEST_PIXELS = 64_000_000
_KEEPS_FROM = 128  # level of a mask
_SIXTEEN_BIT = ("I;16", "I;16B", "I;16L", "I;16N")


def open_picture(content: bytes, *, name: str, field: str, ground: str = "white") -> Image.Image:
    """Reads a picture: upright, RGB, what is transparent on a ground, 16 bits as 8.

    Raises WorkerError `image.unreadable` or `image.too_large`; a picture's size is checked before it is decoded.
    """
    with _upright(content, name, field) as upright:
        if _is_transparent(upright):
            layered = upright.convert("RGBA")
            upright = Image.alpha_composite(Image.new("RGBA", layered.size, ground), layered)
        return upright.convert("RGB")


def open_alpha(content: bytes, *, name: str, field: str) -> Image.Image | None:
    """A picture's opacity in grey levels, upright; None where it has no alpha channel. Raises as `open_picture`."""
    with _upright(content, name, field) as upright:
        return upright.convert("RGBA").getchannel("A") if _is_transparent(upright) else None


def _is_transparent(image: Image.Image) -> bool:
    return image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info


@contextmanager
def _upright(content: bytes, name: str, field: str) -> Generator[Image.Image]:
    try:
        with Image.open(io.BytesIO(content)) as opened:
            _check_size(opened, name, field)
            upright = ImageOps.exif_transpose(opened)
            if upright.mode in _SIXTEEN_BIT:
                upright = Image.fromarray((np.asarray(upright) // 257).astype(np.uint8))
            yield upright
    except Image.DecompressionBombError as error:
        raise _too_large(name, field, "") from error
    except (UnidentifiedImageError, OSError, ValueError, SyntaxError) as error:
        raise WorkerError(
            "image.unreadable",
            f'"{name}" is not a picture that can be read: {error}'.replace(" <_io.BytesIO object", "")[:300],
            field=field,
            given=name,
            allowed="PNG, JPEG or WebP",
        ) from error


def _check_size(opened: Image.Image, name: str, field: str) -> None:
    if opened.width * opened.height > LARGEST_PIXELS:
        raise _too_large(name, field, f"{opened.width}×{opened.height}")


def _too_large(name: str, field: str, given: str) -> WorkerError:
    allowed = f"at most {LARGEST_PIXELS // 1_000_000} megapixels"
    return WorkerError("image.too_large", f'"{name}" is too large', field=field, given=given or name, allowed=allowed)


def to_pixels(image: Image.Image) -> torch.Tensor:
    """An RGB picture as [3, H, W] in -1..1."""
    pixels = np.asarray(image, dtype=np.float32) / 127.5 - 1.0
    return torch.from_numpy(pixels).permute(2, 0, 1).contiguous()


def to_image(picture_3HW: torch.Tensor) -> Image.Image:
    """A picture in -1..1 with 8 bits a channel."""
    levels = ((picture_3HW.clamp(-1, 1) + 1) * 127.5).round().to(torch.uint8)
    return Image.fromarray(levels.permute(1, 2, 0).cpu().numpy())


def to_png(picture_3HW: torch.Tensor) -> bytes:
    """A picture in -1..1 as an 8-bit sRGB PNG."""
    buffer = io.BytesIO()
    to_image(picture_3HW).save(buffer, "PNG")
    return buffer.getvalue()


def open_mask(content: bytes, size: tuple[int, int], *, name: str, field: str) -> torch.Tensor:
    """Reads a mask [H, W] for a picture of `size` (width, height): 1 where it keeps (128 and above), 0 where not.

    What is transparent is not kept. Raises WorkerError `image.unreadable`, `mask.wrong_size` or `mask.empty`.
    """
    image = open_picture(content, name=name, field=field, ground="black")
    if image.size != size:
        given, wanted = (f"{width}×{height}" for width, height in (image.size, size))
        raise WorkerError(
            "mask.wrong_size",
            f"the mask has {given} pixels, the picture {wanted}",
            field=field,
            given=given,
            allowed=wanted,
        )
    mask_HW = torch.from_numpy((np.asarray(image.convert("L")) >= _KEEPS_FROM).astype(np.float32))
    if bool((mask_HW == 1).all()):
        raise WorkerError(
            "mask.empty",
            "the mask keeps the whole picture: there is nothing to repaint",
            field=field,
            allowed=f"a mask with levels below {_KEEPS_FROM} where the picture is to be repainted",
        )
    return mask_HW
