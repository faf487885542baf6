"""Files that hold a learnt embedding. Loads no torch."""

from __future__ import annotations

from typing import Literal

EmbeddingFormat = Literal["safetensors", "reference_bin"]
LARGEST_FILE_BYTES = 4 * 1024 * 1024
