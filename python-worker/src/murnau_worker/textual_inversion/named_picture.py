"""A picture to learn from, as it came. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class NamedPicture:
    """A picture's bytes with the hash and the file name it came by."""

    hash: str
    name: str
    content: bytes
