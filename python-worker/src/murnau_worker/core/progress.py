"""What a person is told while a picture is drawn. Loads no torch."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """Decoder steps done and to do, over all pictures; `steps` is 0 where it is not known yet.

    `phase`: "waiting", "loading", "decoder", "decoding", or the part that makes the conditions.
    """

    phase: str
    step: int = 0
    steps: int = 0
    detail: str = ""


@dataclass(frozen=True)
class Notice:
    """A sentence for the person who asked."""

    message: str
