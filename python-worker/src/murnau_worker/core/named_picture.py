"""A picture to learn from as it came, with what lies beside it. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass

from murnau_worker.core.errors import WorkerError


@dataclass(frozen=True)
class NamedPicture:
    """A picture's bytes with the hash and the file name it came by, its mask's, and its caption (empty: none)."""

    hash: str
    name: str
    content: bytes
    mask_hash: str = ""
    mask: bytes | None = None
    caption: str = ""


def mask_missing(loss_mask: str) -> WorkerError:
    """The refusal of a dataset without any of the masks that its run asks for."""
    what = "transparency" if loss_mask == "alpha" else "a mask beside it"
    return WorkerError(
        "mask.missing",
        f"no picture of the dataset has {what}, which loss_mask {loss_mask} asks for",
        field="spec.loss_mask",
        given=loss_mask,
        allowed="none, or a dataset with masks",
    )
