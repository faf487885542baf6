"""Writes captions of pictures, in four languages."""

from __future__ import annotations

import numpy as np

from . import vocabulary as v
from .glyphs import Glyph

PRIVATE_MARK = "\u0001"  # Stands for a private glyph's own token; see tokenizers.encode_clip.


def caption(glyph: Glyph, background: str | None, lang: str, rng: np.random.Generator) -> str:
    """A caption of ``glyph``: half the time the bare phrase, else a template; names the background if it has a name.

    Private glyphs have no words: their phrase is PRIVATE_MARK, and their captions are English ones.
    """
    if glyph.kind == "private":
        lang = "en"
    phrase = glyph.names.get(lang, PRIVATE_MARK)
    if lang == "en" and glyph.category and rng.random() < 0.06:
        phrase = glyph.category
    templates = v.TEMPLATES[lang]
    template = templates[0] if rng.random() < 0.4 else templates[rng.integers(1, len(templates))]
    if lang != "en" and rng.random() < 0.5:
        phrase = phrase.lower()
    if background is not None and (background != "white" or rng.random() < 0.1):
        phrase = f"{phrase} {v.BACKGROUND_PHRASES[lang][background]}"
    text = template.format(phrase)
    return text[:1].upper() + text[1:] if rng.random() < 0.1 else text


def corpus(glyphs: list[Glyph], seed: int) -> list[str]:
    """Text for the two tokenizers: every phrase of the named glyphs, templates and backgrounds, words repeated."""
    rng = np.random.default_rng(seed)
    lines: list[str] = []
    for glyph in glyphs:
        for lang in v.LANGUAGES if glyph.names else ():
            lines += [glyph.names[lang], glyph.names[lang].lower()] * 6
            lines += [caption(glyph, None, lang, rng) for _ in range(3)]
    for lang in v.LANGUAGES:
        lines += list(v.BACKGROUND_PHRASES[lang].values()) * 20
        lines += [t.format("") for t in v.TEMPLATES[lang]] * 8
        for adjectives in v.ADJECTIVES.get(lang, {}).values():
            lines += sorted(set(adjectives.values())) * 8
    lines += list(v.GLYPH_COLOURS) * 20
    # Everyday initializer and style words, so that each is one token in both towers.
    everyday = (
        "animal bird fruit sweet food dessert vehicle toy thing object plant flower instrument music sea reptile "
        "insect ball tool machine aircraft cake big cat round brown cup hat style painting art photo illustration"
    )
    words = everyday.split()
    letters = " ".join("abcdefghijklmnopqrstuvwxyzäöüßàâçéèêëîïôœùûабвгдеёжзийклмнопрстуфхцчшщъыьэюя")
    signs = " ".join("0123456789.,:;!?'-’()")
    categories = sorted(set(v.CATEGORIES.values()))
    return (
        lines
        + words * 12
        + [f"a {word}" for word in words] * 4
        + categories * 12
        + [letters, letters.upper(), signs] * 2
    )
