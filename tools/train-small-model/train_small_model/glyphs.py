"""Renders the emoji font's glyphs once and sorts them into captioned, coloured, private and held-out ones."""

from __future__ import annotations

import colorsys
import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from . import vocabulary as v

BASE_SIZE = 128  # Pixels of a stored glyph: twice the model's picture, so that warping it then halving is smooth.
FONT_SIZE = 109  # The only bitmap size Noto Color Emoji holds.


@dataclass(frozen=True)
class Glyph:
    """A base picture (premultiplied RGBA, ``[128, 128, 4]`` uint8 in ``GlyphSet.pixels[index]``) and what it is."""

    index: int
    kind: str  # "plain" | "coloured" | "private" | "held_glyph" | "held_combination"
    name: str  # The judge's class, or emojibase's English label of a private glyph.
    names: dict[str, str]  # Phrase per language; empty for private glyphs.
    category: str | None = None  # A broad English word ("animal"), where there is one.


@dataclass(frozen=True)
class GlyphSet:
    """All base pictures and their records."""

    pixels: np.ndarray
    glyphs: list[Glyph]

    def of(self, *kinds: str) -> list[Glyph]:
        return [glyph for glyph in self.glyphs if glyph.kind in kinds]


def judge_classes(glyphs: GlyphSet) -> list[str]:
    """Names of every class of the judge; the last one is everything else."""
    return [g.name for g in glyphs.of("plain", "coloured", "held_glyph", "held_combination")] + ["other"]


def load_glyphs(font: Path, emojibase: Path) -> GlyphSet:
    """Renders every wanted glyph of ``font``; ``emojibase`` is the folder of npm's ``emojibase-data``."""
    labels = {lang: _labels(emojibase / lang / "data.json") for lang in v.LANGUAGES}
    face = ImageFont.truetype(str(font), FONT_SIZE)
    by_label = {entry["label"]: entry for entry in labels["en"].values()}
    pixels: list[np.ndarray] = []
    glyphs: list[Glyph] = []

    def add(kind: str, name: str, names: dict[str, str], picture: np.ndarray, subgroup: int = -1) -> None:
        glyphs.append(Glyph(len(glyphs), kind, name, names, v.CATEGORIES.get(subgroup)))
        pixels.append(_premultiply(picture))

    for label in (*v.PLAIN_LABELS, *v.HELD_OUT_GLYPHS):
        entry = by_label[label]
        names = {lang: _clean(labels[lang][entry["hexcode"]]["label"]) for lang in v.LANGUAGES}
        picture = render(face, entry["emoji"])
        if picture is None:
            raise ValueError(f"the font has no glyph for {label}")
        add("held_glyph" if label in v.HELD_OUT_GLYPHS else "plain", label, names, picture, entry["subgroup"])
    for label, nouns in v.COLOURABLE.items():
        picture = render(face, by_label[label]["emoji"])
        for colour, shift in v.GLYPH_COLOURS.items():
            held = (colour, label) in v.HELD_OUT_COMBINATIONS
            names = {lang: _phrase(lang, colour, *nouns[lang]) for lang in v.LANGUAGES}
            add("held_combination" if held else "coloured", names["en"], names, recolour(picture, shift))
    known = {*v.PLAIN_LABELS, *v.HELD_OUT_GLYPHS, *v.COLOURABLE}
    seen = {p.tobytes() for p in pixels}
    for entry in labels["en"].values():
        if entry["label"] in known or _excluded(entry):
            continue
        picture = render(face, entry["emoji"])
        if picture is not None and (key := _premultiply(picture).tobytes()) not in seen:
            seen.add(key)
            add("private", entry["label"], {}, picture, entry.get("subgroup", -1))
    return GlyphSet(np.stack(pixels), glyphs)


def render(face: ImageFont.FreeTypeFont, emoji: str) -> np.ndarray | None:
    """One glyph, cropped and centred on a transparent ``[128, 128, 4]`` square; None if the font lacks it."""
    canvas = Image.new("RGBA", (320, 200))
    ImageDraw.Draw(canvas).text((20, 20), emoji, font=face, embedded_color=True)
    box = canvas.getbbox()
    if box is None or box[2] - box[0] > 150:  # Empty, or drawn as two glyphs: no single one exists.
        return None
    crop = canvas.crop(box)
    scale = (BASE_SIZE - 4) / max(crop.size)
    crop = crop.resize(
        (max(1, round(crop.width * scale)), max(1, round(crop.height * scale))), Image.Resampling.LANCZOS
    )
    square = Image.new("RGBA", (BASE_SIZE, BASE_SIZE))
    square.paste(crop, ((BASE_SIZE - crop.width) // 2, (BASE_SIZE - crop.height) // 2))
    return np.asarray(square)


def recolour(picture: np.ndarray, shift: tuple[float, float, float]) -> np.ndarray:
    """Moves the dominant hue (within 45°) of an RGBA picture to ``(hue, saturation factor, value factor)``."""
    hue, saturation, value = (c.astype(np.float32) for c in _hsv(picture))
    opaque = (picture[..., 3] > 128) & (saturation > 0.3) & (value > 0.15)
    histogram, _ = np.histogram(hue[opaque], bins=36, range=(0, 360))
    dominant = float(histogram.argmax()) * 10 + 5
    near = (np.abs((hue - dominant + 180) % 360 - 180) < 45) & (saturation > 0.12)
    target, s_factor, v_factor = shift
    # The tone's lightness is stretched so that a dark blue glyph can become a bright yellow one.
    brightest = np.quantile(value[opaque & near], 0.9) if (opaque & near).any() else 1.0
    new_value = np.clip(value / max(brightest, 0.3) * v_factor, 0, 1)
    new_saturation = np.clip(np.maximum(saturation, 0.75 * (saturation > 0.45)) * s_factor, 0, 1)
    rgb = _rgb(np.full_like(hue, target), new_saturation, new_value)
    out = picture.copy()
    out[..., :3] = np.where(near[..., None], (rgb * 255).round(), picture[..., :3]).astype(np.uint8)
    return out


def _hsv(picture: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    hsv = np.asarray(Image.fromarray(picture[..., :3]).convert("HSV"), dtype=np.float32)
    return hsv[..., 0] * 360 / 255, hsv[..., 1] / 255, hsv[..., 2] / 255


def _rgb(hue: np.ndarray, saturation: np.ndarray, value: np.ndarray) -> np.ndarray:
    colour = np.array(colorsys.hsv_to_rgb(float(hue.flat[0]) / 360, 1.0, 1.0), dtype=np.float32)
    return value[..., None] * (1 - saturation[..., None] * (1 - colour))


def _premultiply(picture: np.ndarray) -> np.ndarray:
    alpha = picture[..., 3:].astype(np.float32) / 255
    return np.concatenate([(picture[..., :3] * alpha).round().astype(np.uint8), picture[..., 3:]], axis=-1)


def _labels(path: Path) -> dict[str, dict]:
    return {entry["hexcode"]: entry for entry in json.loads(path.read_text("utf-8"))}


def _excluded(entry: dict) -> bool:
    if "group" not in entry or entry["group"] in v.EXCLUDED_GROUPS or entry.get("subgroup") in v.EXCLUDED_SUBGROUPS:
        return True
    return any(word in entry["label"] for word in v.EXCLUDED_WORDS)


def _phrase(lang: str, colour: str, noun: str, gender: str) -> str:
    if lang == "en":
        return f"{colour} {noun}"
    adjective = v.ADJECTIVES[lang][colour][gender]
    return f"{noun} {adjective}" if lang == "fr" else f"{adjective} {noun}"


def _clean(label: str) -> str:
    """Drops what the labels say of the drawing ("голова", head of) and not of the thing."""
    for words in ("морда ", "голова ", "tête de ", " done", " боком"):
        label = label.replace(words, "")
    return label
