"""Which place of a text a tower's sentence embedding is read from."""

from __future__ import annotations

from typing import Literal

Pooling = Literal["eot", "argmax"]
