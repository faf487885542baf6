"""Pictures of baselines: they depend on the dataset and on what is asked, not on what a run learnt.

So the trials of a sweep share them, and a baseline costs once.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass

_KEPT_SETS = 16


@dataclass(frozen=True)
class JudgedPictures:
    """Pictures as PNG with their prompts and seeds. No judge: no alignments; text alignment not asked for: None."""

    prompts: tuple[str, ...]
    seeds: tuple[int, ...]
    pngs: tuple[bytes, ...]
    image_alignments: tuple[float, ...] | None
    text_alignment: float | None

    def scores(self, prefix: str = "") -> dict[str, float]:
        """The metrics of all of them together: means over the pictures."""
        found: dict[str, float] = {}
        if self.image_alignments:
            found[f"{prefix}image_alignment"] = sum(self.image_alignments) / len(self.image_alignments)
        if self.text_alignment is not None:
            found[f"{prefix}text_alignment"] = self.text_alignment
        return found


class BaselineCache:
    """Least recently used sets, on the device thread only. Drawing is deterministic, so a hit changes nothing."""

    def __init__(self) -> None:
        self._kept: OrderedDict[Hashable, JudgedPictures] = OrderedDict()

    def find(self, key: Hashable) -> JudgedPictures | None:
        found = self._kept.get(key)
        if found is not None:
            self._kept.move_to_end(key)
        return found

    def keep(self, key: Hashable, judged: JudgedPictures) -> None:
        self._kept[key] = judged
        while len(self._kept) > _KEPT_SETS:
            self._kept.popitem(last=False)
