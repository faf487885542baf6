"""The inpainting table and sheet: things replaced, completed and given another ground, read by the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch

from . import pictures as p
from . import vocabulary as v
from .evaluate import publish, top1
from .glyphs import GlyphSet
from .inpaint_cases import Cases, cases, kept_psnr, phrase, repainted, seam
from .judge import background_colour
from .sampling import Shipped, shipped_model
from .sheets import sheet

if TYPE_CHECKING:
    from .stages import Place

CONCEPTS, EACH = 72, 3
GROUND_THINGS = 24
SEEDS_SHOWN = 3


def scores(shipped: Shipped, part: Cases, seed: int) -> tuple[dict[str, float], torch.Tensor]:
    """The judge on one set of cases, and the pictures.

    ``untouched`` and ``still``: it names what the picture showed, before and after. ``kept_error``: squared, of the
    kept latents as drawn, before the true ones are put back; ``kept_psnr``: of the kept pixels in the end, in dB.
    """
    latents, pictures = repainted(shipped, part, seed)
    returned, kept = shipped.decode(part.latents), part.mask.expand_as(latents) > 0.5
    row = {
        "repainted": round(float(1 - part.mask.mean()), 2), **judged(shipped, pictures, part.target),
        "still": top1(shipped, pictures, part.shown), "untouched": top1(shipped, returned, part.shown),
    }  # fmt: skip
    if kept.any():
        row["kept_error"] = round(float((latents - part.latents)[kept].square().mean()), 4)
        row["kept_psnr"] = kept_psnr(pictures, returned, part.mask)
        row["seam"], row["seam_untouched"] = seam(pictures, part.mask), seam(returned, part.mask)
    return row, pictures


def judged(shipped: Shipped, pictures: torch.Tensor, target: torch.Tensor) -> dict[str, float]:
    chance = shipped.judged(pictures)[torch.arange(len(target)), target]
    return {
        "pictures": len(target), "top1": top1(shipped, pictures, target),
        "top5": top1(shipped, pictures, target, 5), "probability": round(float(chance.mean()), 3),
    }  # fmt: skip


def by_ground(shipped: Shipped, pictures: torch.Tensor, target: torch.Tensor, grounds: np.ndarray) -> dict[str, float]:
    """Top-1 on white and on the other grounds, whose names make the captions longer."""
    white = torch.from_numpy(grounds == 0)
    return {"top1_white": top1(shipped, pictures[white], target[white]),
            "top1_other": top1(shipped, pictures[~white], target[~white])}  # fmt: skip


def run(place: Place) -> None:
    """The ``inpaint-eval`` stage: evaluation-inpaint.json in the work folder, and docs/images/inpaint.png."""
    shipped = shipped_model(place)
    draw_sheet(place, shipped)
    table = other_things(place.glyphs, shipped) | other_grounds(place.glyphs, shipped)
    publish(place, "inpaint", table)


def other_things(glyphs: GlyphSet, shipped: Shipped) -> dict[str, dict[str, float]]:
    """The same captions for every area: another thing in a picture, the same thing completed, and no picture at all."""
    named, rng = glyphs.of("plain", "coloured"), np.random.default_rng(31)
    picks = np.linspace(0, len(named) - 1, CONCEPTS).round().astype(int).repeat(EACH)
    wanted = [named[i] for i in picks]
    others = [named[i] for i in (picks + rng.integers(1, len(named), len(picks))) % len(named)]
    # One picture of three is on one of the other grounds.
    grounds = np.where(np.arange(len(picks)) % 3 == 2, rng.integers(1, len(v.BACKGROUNDS), len(picks)), 0)
    prompts = [phrase(glyph, ground) for glyph, ground in zip(wanted, grounds, strict=True)]
    table = {}
    for title, owners, area in (
        ("another thing, box", others, "box"), ("another thing, outline", others, "outline"),
        ("the same, right half", wanted, "right half"), ("everything", others, "everything"),
    ):  # fmt: skip
        part = cases(glyphs, shipped, owners, grounds, [area] * len(picks), prompts, wanted, seed=41)
        row, pictures = scores(shipped, part, seed=17)
        table[title] = row | by_ground(shipped, pictures, part.target, grounds)
        print(title, table[title], flush=True)
    target = torch.tensor([shipped.classes.index(glyph.name) for glyph in wanted])
    drawn = shipped.draw_prompts(prompts, 17)
    table["text to image"] = judged(shipped, drawn, target) | by_ground(shipped, drawn, target, grounds)
    print("text to image", table["text to image"], flush=True)
    return table


def other_grounds(glyphs: GlyphSet, shipped: Shipped) -> dict[str, dict[str, float]]:
    """Things on white whose ground is repainted in each of the eight other colours: border's colour, thing's class."""
    plain = glyphs.of("plain")
    things = [plain[i] for i in np.linspace(0, len(plain) - 1, GROUND_THINGS).round().astype(int)]
    pairs = [(glyph, ground) for glyph in things for ground in range(1, len(v.BACKGROUNDS))]
    owners, prompts = [glyph for glyph, _ in pairs], [phrase(*pair) for pair in pairs]
    white, areas = np.zeros(len(pairs), int), ["ground"] * len(pairs)
    part = cases(glyphs, shipped, owners, white, areas, prompts, owners, seed=43)
    row, pictures = scores(shipped, part, seed=19)
    drawn = shipped.draw_prompts(prompts, 19)
    colours = [p.BACKGROUND_NAMES[ground] for _, ground in pairs]
    table = {
        "another ground": row | {"border": share_right(pictures, colours)},
        "text to image, ground": judged(shipped, drawn, part.target) | {"border": share_right(drawn, colours)},
    }
    for title, row in table.items():
        print(title, row, flush=True)
    return table


def share_right(pictures: torch.Tensor, colours: list[str]) -> float:
    """Share of pictures whose border has the colour asked for."""
    return round(float(np.mean([a == b for a, b in zip(background_colour(pictures), colours, strict=True)])), 3)


SHOWN = (
    ("panda", "white", "box", "a red heart"),
    ("pizza", "white", "outline", "a soccer ball"),
    ("sunflower", "white", "right half", "a sunflower"),
    ("penguin", "white", "ground", "a penguin on a blue background"),
    ("frog", "blue", "box", "a green apple on a blue background"),
    ("teddy bear", "white", "lower half", "a teddy bear"),
    ("red apple", "white", "ground", "a red apple on a yellow background"),
    ("mushroom", "yellow", "outline", "a blue car on a yellow background"),
    ("watermelon", "white", "right half", "a watermelon"),
    ("snowman", "white", "ground", "a snowman on a purple background"),
)


def draw_sheet(place: Place, shipped: Shipped) -> None:
    """Ten cases, two a line: the picture, what is kept of it (the rest grey), and what three seeds draw."""
    named = {glyph.name: glyph for glyph in place.glyphs.of("plain", "coloured")}
    owners = [named[name] for name, _, _, _ in SHOWN]
    grounds = np.array([p.BACKGROUND_NAMES.index(ground) for _, ground, _, _ in SHOWN])
    prompts = [prompt for *_, prompt in SHOWN]
    areas = [area for _, _, area, _ in SHOWN]
    part = cases(place.glyphs, shipped, owners, grounds, areas, prompts, owners, seed=5)
    results = [repainted(shipped, part, seed)[1] for seed in range(SEEDS_SHOWN)]
    kept = part.mask.repeat_interleave(4, -1).repeat_interleave(4, -2)
    shown = torch.stack([part.pixels, part.pixels * kept - 0.35 * (1 - kept), *results], 1).flatten(0, 1)
    labels = [label for prompt in prompts for label in ("", "", prompt, "", "")]
    sheet(shown, place.repository / "docs" / "images" / "inpaint.png", 2 * (2 + SEEDS_SHOWN), labels=labels)
