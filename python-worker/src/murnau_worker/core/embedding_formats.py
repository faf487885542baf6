"""Files that hold a learnt embedding. Loads no torch."""

from __future__ import annotations

LARGEST_FILE_BYTES = 4 * 1024 * 1024
