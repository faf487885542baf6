"""How CLIP's image tower wants its pictures' colours."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

Channels = tuple[float, float, float]


@dataclass(frozen=True)
class ClipNormalisation:
    """Mean and deviation of red, green and blue in 0..1; OpenAI's where a model says nothing."""

    mean: Channels = (0.48145466, 0.4578275, 0.40821073)
    deviation: Channels = (0.26862954, 0.26130258, 0.27577711)


def read_clip_normalisation(path: Path) -> ClipNormalisation:
    """Reads an image processor's `preprocessor_config.json`, if it is there. Raises ValueError or KeyError."""
    if not path.is_file():
        return ClipNormalisation()
    content = json.loads(path.read_text("utf-8"))
    return ClipNormalisation(mean=tuple(content["image_mean"]), deviation=tuple(content["image_std"]))
