"""Builds the fixed set of augmented renderings and captions that all stages read, as memory-mapped arrays.

``images.npy`` [N, 64, 64, 3] uint8; ``glyph.npy`` [N] index into the glyph set (-1: procedural variety);
``background.npy`` [N] index of the named background or -1; ``clip_ids.npy`` and ``xlmr_ids.npy`` [N, 2, 24] two
captions each, padded with the tokenizer's pad; ``lang.npy`` [N, 2]. Rows without caption hold the empty text.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import torch

from . import pictures as p
from . import vocabulary as v
from .captions import caption, corpus
from .config import DataConfig
from .glyphs import Glyph, GlyphSet
from .tokenizers import encode, open_tokenizer, train_clip_tokenizer, train_xlmr_tokenizer

if TYPE_CHECKING:
    from .stages import Place

CHUNK = 500
CAPTIONS_EACH = 2


@dataclass(frozen=True)
class TrainingSet:
    """The arrays, opened read-only."""

    images: np.ndarray
    glyph: np.ndarray
    background: np.ndarray
    clip_ids: np.ndarray
    xlmr_ids: np.ndarray
    lang: np.ndarray

    @staticmethod
    def open(folder: Path) -> TrainingSet:
        names = ("images", "glyph", "background", "clip_ids", "xlmr_ids", "lang")
        return TrainingSet(*(np.load(folder / f"{name}.npy", mmap_mode="r") for name in names))


def build(glyphs: GlyphSet, config: DataConfig, work: Path) -> None:
    """Trains the tokenizers and renders the set into ``work/data``; does nothing if it is complete."""
    folder = work / "data"
    if (folder / "complete").exists():
        return
    folder.mkdir(parents=True, exist_ok=True)
    lines = corpus(glyphs.of("plain", "coloured", "held_combination"), config.seed)
    if not (work / "tokenizer-clip").exists():
        train_clip_tokenizer(lines, config.clip_vocab_size, work / "tokenizer-clip")
    if not (work / "tokenizer-xlmr").exists():
        train_xlmr_tokenizer(lines, config.xlmr_vocab_size, work / "tokenizer-xlmr")
    clip_tokenizer, xlmr_tokenizer = open_tokenizer(work, "clip"), open_tokenizer(work, "xlmr")
    rng = np.random.default_rng(config.seed)
    private = glyphs.of("private")
    private_row = {glyph.index: row for row, glyph in enumerate(private)}
    owners = [
        *_spread(glyphs.of("plain"), config.captioned, rng),
        *_spread(glyphs.of("coloured"), config.coloured, rng),
        *_spread(private, config.private, rng),
        *([None] * config.variety),
    ]
    order = rng.permutation(len(owners))
    n, size, tokens = len(owners), config.image_size, config.max_tokens
    images = np.lib.format.open_memmap(folder / "images.npy", "w+", np.uint8, (n, size, size, 3))
    background = np.empty(n, np.int16)
    empty = {"clip": clip_tokenizer("")["input_ids"], "xlmr": xlmr_tokenizer("")["input_ids"]}
    clip_ids = np.full((n, CAPTIONS_EACH, tokens), clip_tokenizer.pad_token_id, np.int16)
    xlmr_ids = np.full((n, CAPTIONS_EACH, tokens), xlmr_tokenizer.pad_token_id, np.int16)
    lang = np.zeros((n, CAPTIONS_EACH), np.int8)
    owned = [owners[i] for i in order]
    for start in range(0, n, CHUNK):
        part = owned[start : start + CHUNK]
        images[start : start + len(part)], background[start : start + len(part)] = _render(glyphs, part, rng, size)
    for i, glyph in enumerate(owned):
        for j in range(CAPTIONS_EACH):
            clip_row, xlmr_row = empty["clip"], empty["xlmr"]
            if glyph is not None:
                lang[i, j] = rng.choice(4, p=(0.4, 0.2, 0.2, 0.2))
                ground = None if background[i] < 0 else p.BACKGROUND_NAMES[background[i]]
                text = caption(glyph, ground, v.LANGUAGES[lang[i, j]], rng)
                row = private_row.get(glyph.index, 0)
                clip_row = encode(clip_tokenizer, text, len(clip_tokenizer) + row)
                xlmr_row = encode(xlmr_tokenizer, text, len(xlmr_tokenizer) + row)
            # A last pad must stay: its state stands for all further pads of the 77.
            for rows, ids in ((clip_ids, clip_row), (xlmr_ids, xlmr_row)):
                kept = ids if len(ids) < tokens else [*ids[: tokens - 2], ids[-1]]
                rows[i, j, : len(kept)] = kept
    np.save(folder / "glyph.npy", np.array([-1 if g is None else g.index for g in owned], np.int16))
    for name, rows in (("background", background), ("clip_ids", clip_ids), ("xlmr_ids", xlmr_ids), ("lang", lang)):
        np.save(folder / f"{name}.npy", rows)
    images.flush()
    os.close(os.open(folder / "complete", os.O_CREAT))


def _spread(glyphs: list[Glyph], total: int, rng: np.random.Generator) -> list[Glyph]:
    """``total`` picks, every glyph equally often up to one."""
    rounds = -(-total // len(glyphs))
    picks = np.concatenate([rng.permutation(len(glyphs)) for _ in range(rounds)])[:total]
    return [glyphs[i] for i in picks]


def _render(glyphs: GlyphSet, part: list[Glyph | None], rng: np.random.Generator, size: int):
    """Pictures and background indices of one chunk; a None owner is procedural variety."""
    n = len(part)
    variety = np.array([glyph is None for glyph in part])
    # Recolourable glyphs stay out: turning a hue would draw the combinations that are held out.
    usable = [g.index for g in glyphs.of("plain", "private")]
    index = np.array([g.index if g is not None else usable[rng.integers(len(usable))] for g in part])
    base = p.to_tensor(glyphs.pixels[index])
    ground_index, ground = p.backgrounds(n, rng, plain=0.55)
    drawn = variety & (rng.random(n) < 0.22)
    if drawn.any():
        base[drawn] = p.drawn_shapes(int(drawn.sum()), rng)
    if variety.any():
        base[variety] = p.rotate_hue(base[variety], rng, share=0.6)
    layer = p.warp(base, p.Warp(), rng, size)
    if variety.any():
        layer[variety] = p.warp(base[variety], p.Warp((0.6, 1.05), 0.12, 15.0, 0.25), rng, size)
    images = p.over(layer, ground)
    pairs = np.flatnonzero(variety & (rng.random(n) < 0.35))
    if len(pairs):  # A second, smaller glyph on top, to one side.
        second = p.to_tensor(glyphs.pixels[[usable[i] for i in rng.integers(len(usable), size=len(pairs))]])
        second = p.rotate_hue(second, rng, share=0.4)
        images[pairs] = p.over(p.warp(second, p.Warp((0.35, 0.6), 0.7, 15.0, 0.2), rng, size), images[pairs])
    return p.to_uint8(images), ground_index


def held_out_pictures(glyphs: GlyphSet, kinds: tuple[str, ...], each: int, seed: int, plain: float = 1.0):
    """Fresh renderings for judging: pictures ``[len(kinds' glyphs) * each, 64, 64, 3]`` uint8 and their glyphs."""
    rng = np.random.default_rng(seed)
    owners = [glyph for glyph in glyphs.of(*kinds) for _ in range(each)]
    _, ground = p.backgrounds(len(owners), rng, plain)
    return p.to_uint8(p.over(fresh_layers(glyphs, owners, rng), ground)), owners


def fresh_layers(glyphs: GlyphSet, owners: list[Glyph], rng: np.random.Generator) -> torch.Tensor:
    """The glyphs as a training picture shows them, without a ground: premultiplied RGBA ``[N, 4, 64, 64]`` in 0..1."""
    base = p.to_tensor(glyphs.pixels[[glyph.index for glyph in owners]])
    return p.warp(base, p.Warp(), rng, 64)


def batch_images(data: TrainingSet, rows: np.ndarray) -> torch.Tensor:
    """Pictures ``[B, 3, 64, 64]`` in −1..1."""
    return p.to_tensor(np.ascontiguousarray(data.images[rows])) * 2 - 1


def run(place: Place) -> None:
    """The ``data`` stage."""
    build(place.glyphs, place.config.data, place.work)
