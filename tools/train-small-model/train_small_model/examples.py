"""Writes ``examples/``: pictures of the held-out concepts, which the model has never seen, and what they are."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from . import pictures as p

if TYPE_CHECKING:
    from .stages import Place

SIZE = 192
EACH = 5
SEED = 2024
INITIALIZERS = {
    "owl": ("animal", "eagle", "bird"), "octopus": ("animal", "squid"), "elephant": ("animal", "rhinoceros"),
    "lion": ("animal", "bear", "tiger"), "strawberry": ("fruit", "tomato", "cherries"),
    "doughnut": ("dessert", "cookie", "bagel"), "violin": ("instrument",),
    "helicopter": ("aircraft", "airplane"), "turtle": ("animal", "reptile", "frog"),
    "lollipop": ("dessert", "candy"),
}  # fmt: skip

README = """# Example concepts

Pictures for textual inversion of things that the small Kandinsky 2.1 has never seen, neither as pictures nor as words:
ten unseen glyphs and eight unseen combinations of a seen shape and a seen colour. `concepts.json` lists for each folder
the judge's class, the kind (`glyph` or `combination`) and initializer words, each one token in both text towers; of a
glyph the first is broad, the last close; of a combination they are the noun and the colour.

Each folder holds {each} pictures of {size}×{size} pixels, rendered from Noto Color Emoji (SIL Open Font License 1.1,
Copyright Google Inc.) by `tools/train-small-model`; four are on white, one on a light tint.

{rows}
"""


def run(place: Place) -> None:
    """The ``examples`` stage."""
    root = place.repository / "examples"
    rng = np.random.default_rng(SEED)
    records = []
    for glyph in place.glyphs.of("held_glyph", "held_combination"):
        folder = root / glyph.name.replace(" ", "-")
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        base = p.to_tensor(np.repeat(place.glyphs.pixels[[glyph.index]], EACH, 0))
        ground = p.to_tensor(np.full((EACH, 1, 1, 3), 255, np.uint8))
        ground[-1, :, 0, 0] = p.to_tensor(rng.integers(205, 256, (1, 1, 1, 3)).astype(np.uint8))[0, :, 0, 0]
        images = p.to_uint8(p.over(p.warp(base, p.Warp(scale=(0.8, 0.98)), rng, SIZE), ground))
        for i, image in enumerate(images, 1):
            Image.fromarray(image).save(folder / f"{i}.png", optimize=True)
        kind = "glyph" if glyph.kind == "held_glyph" else "combination"
        words = INITIALIZERS.get(glyph.name) or (glyph.name.split(" ")[1], glyph.name.split(" ")[0])
        records.append({"folder": folder.name, "judge_class": glyph.name, "kind": kind, "initializers": list(words)})
    (root / "concepts.json").write_text(json.dumps(records, indent=2) + "\n", "utf-8")
    rows = "\n".join(
        f"- `{r['folder']}` ({r['kind']}): start from {', '.join('`' + w + '`' for w in r['initializers'])}"
        for r in records
    )
    (root / "README.md").write_text(README.format(each=EACH, size=SIZE, rows=rows), "utf-8")
