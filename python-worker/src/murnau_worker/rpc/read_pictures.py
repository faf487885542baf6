"""The pictures of a run's dataset out of the cache, with the masks and captions that its spec asks for."""

from __future__ import annotations

from collections.abc import Sequence

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.named_picture import NamedPicture, mask_missing
from murnau_worker.core.spec import TrainingSpec
from murnau_worker.rpc.blob_cache import BlobCache
from murnau_worker.rpc.gen.murnau.worker.v1 import worker_pb2 as pb
from murnau_worker.training.data.templates import PLACEHOLDER


def read_blob(blobs: BlobCache, blob_hash: str, field: str) -> bytes:
    """Raises WorkerError `blob.not_found`."""
    content = blobs.get(blob_hash)
    if content is None:
        raise WorkerError("blob.not_found", "the blob is not in this worker's cache", field=field, given=blob_hash)
    return content


def read_pictures(images: Sequence[pb.TrainingImage], blobs: BlobCache, spec: TrainingSpec) -> tuple[NamedPicture, ...]:
    """Raises WorkerError `blob.not_found`, `mask.missing`, `caption.missing` or `caption.invalid`."""
    loss_mask = spec.objective.loss_mask
    if loss_mask == "file" and not any(image.mask_hash for image in images):
        raise mask_missing(loss_mask)
    if spec.data.templates == "captions":
        _check_captions(images)
    return tuple(
        NamedPicture(
            hash=image.hash,
            name=image.name or image.hash[:12],
            content=read_blob(blobs, image.hash, f"start.images[{place}].hash"),
            mask_hash=image.mask_hash,
            mask=(
                read_blob(blobs, image.mask_hash, f"start.images[{place}].mask_hash")
                if loss_mask == "file" and image.mask_hash
                else None
            ),
            caption=image.caption,
        )
        for place, image in enumerate(images)
    )


def _check_captions(images: Sequence[pb.TrainingImage]) -> None:
    """Each picture has one, with the placeholder in it; every picture that has none is named."""
    for code, names, what in (
        ("caption.missing", [image.name for image in images if not image.caption], "have no caption"),
        (
            "caption.invalid",
            [image.name for image in images if PLACEHOLDER not in image.caption],
            f"have a caption without {PLACEHOLDER}",
        ),
    ):
        if names:
            raise WorkerError(
                code,
                f"{len(names)} of {len(images)} pictures {what}: {', '.join(names)}",
                field="spec.templates",
                given="captions",
                allowed=f"a caption with {PLACEHOLDER} in it for each picture",
            )
