"""A picture to learn from as it comes, with what lies beside it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedPicture:
    """A picture's bytes with the hash and the file name it came by, its mask's, and its caption (empty: none)."""

    hash: str
    name: str
    content: bytes
    mask_hash: str = ""
    mask: bytes | None = None
    caption: str = ""
