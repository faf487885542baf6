"""Pictures of a run or of a baseline with what the judge says of them."""

from __future__ import annotations

from dataclasses import dataclass


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
