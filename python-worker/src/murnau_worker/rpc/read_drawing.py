"""From the drawing calls' requests to tasks, checked as far as that needs no model."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from PIL import Image

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.pictures import open_mask, open_picture
from murnau_worker.drawing.fuse import Fuse, FuseItem
from murnau_worker.drawing.image_to_image import ImageToImage
from murnau_worker.drawing.inpaint import Inpaint
from murnau_worker.drawing.options import DrawOptions
from murnau_worker.drawing.request import DrawingTask
from murnau_worker.drawing.text_to_image import TextToImage
from murnau_worker.engine.drawing_session import DrawJob
from murnau_worker.families.description import FamilyDescription
from murnau_worker.families.embeddings import read_embedding
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.family_values import read_family_values
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.rpc.read_pictures import read_blob
from murnau_worker.rpc.refusal import invalid
from murnau_worker.sampling.samplers import DEFAULT_SAMPLER, SAMPLERS

_LARGEST_SEED = 2**53 - 1
_LARGEST_WEIGHT = 100.0
_SMALLEST_SIDE = 32  # pixels of a picture that is drawn upon or fused
# Options that 0 leaves to the model, with their least and largest other values.
_RANGES: Mapping[str, tuple[float, float]] = {
    "num_steps": (1, 1000),
    "guidance_scale": (1, 100),
    "width": (1, 4096),
    "height": (1, 4096),
    "preview_every_steps": (1, 1000),
}


@dataclass(frozen=True)
class DrawingCall:
    """How one call's request is read and its events are wrapped."""

    read_task: Callable[[Any, BlobCache], DrawingTask]
    response: Callable[..., Any]


def read_drawing(message: Any, blobs: BlobCache, family_of: Callable[[str], FamilyDescription]) -> DrawJob:
    """`family_of`: of a served model.

    Raises WorkerError `spec.invalid`, `model.not_served`, `embedding.unreadable`, `blob.not_found`, `image.*` or
    `mask.*`.
    """
    options = _read_options(message.options, family_of(message.options.model))
    first = message.options.seed
    return DrawJob(
        model=message.options.model,
        task=DRAWING_CALLS[type(message)].read_task(message, blobs),
        options=options,
        embeddings=tuple(read_embedding(ref.file) for ref in message.options.embeddings),
        seeds=tuple(range(first, first + message.options.count)),
    )


def _read_options(message: pb.DrawOptions, family: FamilyDescription) -> DrawOptions:
    if not 1 <= message.count <= 64:
        raise invalid("options.count", f"{message.count} pictures were asked for", message.count, "1 to 64")
    if message.seed + message.count - 1 > _LARGEST_SEED:
        raise invalid("options.seed", "the seed is too large", message.seed, f"0 to {_LARGEST_SEED}")
    for field, (least, most) in _RANGES.items():
        value = getattr(message, field)
        if value != 0 and not least <= value <= most:
            allowed = f"{least:g} to {most:g}"
            raise invalid(f"options.{field}", f"{field} must lie between {least:g} and {most:g}", value, allowed)
    sampler = message.sampler or DEFAULT_SAMPLER
    if sampler not in family.samplers:
        problem = f'{family.title} has no sampler "{sampler}"'
        raise invalid("options.sampler", problem, sampler, ", ".join(family.samplers))
    most_eta = 1 if SAMPLERS[sampler].takes_eta else 0
    if not 0 <= message.ddim_eta <= most_eta:
        allowed = "0 to 1" if most_eta else "0"
        raise invalid("options.ddim_eta", f"{sampler} can not take this eta", message.ddim_eta, allowed)
    return DrawOptions(
        num_steps=message.num_steps,
        guidance_scale=message.guidance_scale,
        sampler=sampler,
        ddim_eta=message.ddim_eta,
        width=message.width,
        height=message.height,
        preview_every_steps=message.preview_every_steps,
        family=read_family_values(message.family_options, family.options, family.title, "options."),
    )


def _read_picture(blobs: BlobCache, blob_hash: str, field: str) -> Image.Image:
    picture = open_picture(read_blob(blobs, blob_hash, field), name=blob_hash[:12], field=field)
    if min(picture.size) < _SMALLEST_SIDE:
        size = f"{picture.width}×{picture.height}"
        allowed = f"at least {_SMALLEST_SIDE} pixels on each side"
        raise WorkerError("image.too_small", f"the picture has {size} pixels", field=field, given=size, allowed=allowed)
    return picture


def _prompts(message: Any) -> tuple[str, ...]:
    return (message.prompt,) * message.options.count


def _read_text_to_image(message: pb.TextToImageRequest, blobs: BlobCache) -> DrawingTask:
    return TextToImage(_prompts(message))


def _read_fuse(message: pb.FuseRequest, blobs: BlobCache) -> DrawingTask:
    if not 1 <= len(message.items) <= 16:
        raise invalid("items", f"{len(message.items)} things can not be fused", len(message.items), "1 to 16")
    items: list[FuseItem] = []
    for place, item in enumerate(message.items):
        field = f"items[{place}]"
        if not abs(item.weight) <= _LARGEST_WEIGHT:  # also refuses what is no number
            raise invalid(f"{field}.weight", "the weight is too large", item.weight, f"-{_LARGEST_WEIGHT:g} to 100")
        kind = item.WhichOneof("content")
        if kind is None:
            raise invalid(field, "an item is a text or a picture", "neither", "text or image_hash")
        content = item.text if kind == "text" else _read_picture(blobs, item.image_hash, f"{field}.image_hash")
        items.append(FuseItem(content, item.weight))
    weights = [item.weight for item in items]
    if abs(sum(weights)) < 1e-6:
        given = ", ".join(f"{weight:g}" for weight in weights)
        raise invalid("items", "the weights sum to zero: nothing is left to draw", given, "weights of another sum")
    return Fuse(tuple(items))


def _read_inpaint(message: pb.InpaintRequest, blobs: BlobCache) -> DrawingTask:
    picture = _read_picture(blobs, message.image_hash, "image_hash")
    content = read_blob(blobs, message.mask_hash, "mask_hash")
    mask_HW = open_mask(content, picture.size, name=message.mask_hash[:12], field="mask_hash")
    return Inpaint(_prompts(message), picture, mask_HW)


def _read_image_to_image(message: pb.ImageToImageRequest, blobs: BlobCache) -> DrawingTask:
    if not 0 < message.strength < 1:
        allowed = "above 0 and below 1; more keeps more of the picture"
        raise invalid("strength", "the strength must lie between 0 and 1", message.strength, allowed)
    return ImageToImage(_prompts(message), _read_picture(blobs, message.image_hash, "image_hash"), message.strength)


DRAWING_CALLS: Mapping[type, DrawingCall] = {
    pb.TextToImageRequest: DrawingCall(_read_text_to_image, pb.TextToImageResponse),
    pb.FuseRequest: DrawingCall(_read_fuse, pb.FuseResponse),
    pb.InpaintRequest: DrawingCall(_read_inpaint, pb.InpaintResponse),
    pb.ImageToImageRequest: DrawingCall(_read_image_to_image, pb.ImageToImageResponse),
}
