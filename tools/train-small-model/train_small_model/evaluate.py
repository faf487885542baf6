"""The published tables, drawn with the shipped weights and read by the judge: the gate, and captions per language."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import numpy as np
import torch

from . import vocabulary as v
from .data import held_out_pictures
from .judge import background_colour
from .movq import psnr
from .sampling import GUIDANCE, STEPS, Shipped, shipped_model
from .sheets import sheet

if TYPE_CHECKING:
    from .stages import Place

GROUPS = {"unseen combinations": "held_combination", "unseen glyphs": "held_glyph", "captioned concepts": "plain"}
PICTURES_EACH = 6
SHEET_CAPTIONS = (
    "a sunflower", "a photo of a red heart", "ein Frosch", "une pizza", "лиса", "a hamburger", "a green apple",
    "ein roter Apfel auf blauem Hintergrund", "un panda", "пингвин", "a blue car", "a soccer ball", "Kaktus",
    "une banane", "арбуз", "a penguin on a yellow background", "gelber Ballon", "papillon bleu", "красная машина",
    "a teddy bear", "Regenbogen", "tomate", "жёлтая звезда", "a crown", "purple dress", "ein Pinguin", "croissant",
    "снеговик", "a pumpkin", "a photo of a basketball", "rote Tulpe", "parapluie vert", "зелёная книга",
    "a light bulb on a red background", "Kirschen", "un tigre", "морковь", "a robot", "a tent", "a bomb",
)  # fmt: skip


def publish(place: Place, name: str, result: object) -> None:
    """Keeps a result as ``evaluation-<name>.json`` in the work folder, with the sampler that made it."""
    record = {"sampler": f"DDIM, {STEPS} steps, guidance {GUIDANCE}", name: result}
    (place.work / f"evaluation-{name}.json").write_text(json.dumps(record, indent=1) + "\n", "utf-8")


def run_gate(place: Place) -> None:
    """The ``gate`` stage."""
    publish(place, "gate", gate(place, shipped_model(place)))


def run_languages(place: Place) -> None:
    """The ``languages`` stage."""
    publish(place, "languages", languages(place, shipped_model(place)))


def run_captions(place: Place) -> None:
    """The ``captions`` stage: the 40-caption contact sheet in docs/images, its captions, and background colours."""
    shipped, images = shipped_model(place), place.repository / "docs" / "images"
    sheet(shipped.draw_prompts(list(SHEET_CAPTIONS), seed=7), images / "captions.png", 8)
    lines = [f"{i + 1}. {text}" for i, text in enumerate(SHEET_CAPTIONS)]
    (images / "captions.txt").write_text("\n".join(lines) + "\n", "utf-8")
    publish(place, "background", backgrounds(shipped))


def gate(place: Place, shipped: Shipped) -> dict[str, dict[str, float]]:
    """From the true embeddings of fresh pictures, empty text: the share drawn as the judge's right class.

    ``ceiling`` is the judge on the pictures themselves, ``movq`` on their round trip through the autoencoder.
    """
    table, generator = {}, torch.Generator().manual_seed(3)
    for name, kind in GROUPS.items():
        each = PICTURES_EACH if kind != "plain" else 1  # There are many plain ones.
        pictures, owners = held_out_pictures(place.glyphs, (kind,), each, seed=4242, plain=1.0)
        if kind == "plain":
            pictures, owners = pictures[::4], owners[::4]
        pixels = torch.from_numpy(pictures).permute(0, 3, 1, 2).float() / 127.5 - 1
        target = torch.tensor([shipped.classes.index(glyph.name) for glyph in owners])
        with torch.no_grad():
            embeds = torch.cat([shipped.clip_vision(part).image_embeds for part in pixels.split(64)])
            returned = shipped.movq.decode(shipped.movq.encode(pixels).latents, force_not_quantize=True).sample
        empty = shipped.xlmr_ids([""])
        drawn = torch.cat(
            [shipped.draw(part, empty.expand(len(part), -1), generator) for part in embeds.split(36)]
        )  # fmt: skip
        table[name] = {
            "ceiling": top1(shipped, pixels, target), "movq": top1(shipped, returned.clamp(-1, 1), target),
            "top1": top1(shipped, drawn, target), "top5": top1(shipped, drawn, target, 5),
            "psnr": psnr(shipped.movq, pictures[:64]), "pictures": len(pixels),
        }  # fmt: skip
        print(name, table[name], flush=True)
        if kind != "plain":
            pairs = torch.stack([pixels, drawn], 1).flatten(0, 1)
            shown = np.concatenate([np.arange(4) + 2 * PICTURES_EACH * i for i in range(len(pixels) // PICTURES_EACH)])
            sheet(pairs[shown], place.repository / "docs" / "images" / f"gate-{kind.split('_')[1]}s.png", 8)
    return table


def top1(shipped: Shipped, pixels: torch.Tensor, target: torch.Tensor, k: int = 1) -> float:
    best = shipped.judged(pixels).topk(k, -1).indices
    return round(float((best == target[:, None]).any(-1).float().mean()), 3)


def languages(place: Place, shipped: Shipped, concepts: int = 75, seeds: int = 4) -> dict[str, dict[str, float]]:
    """Phrases of captioned concepts, evenly spread, ``seeds`` pictures each: judge's top-1 and mean probability."""
    named = place.glyphs.of("plain", "coloured")
    chosen = [named[i] for i in np.linspace(0, len(named) - 1, concepts).round().astype(int)]
    table = {}
    for lang in v.LANGUAGES:
        prompts = [
            f"a photo of a {g.names[lang]}" if lang == "en" else g.names[lang] for g in chosen for _ in range(seeds)
        ]
        target = torch.tensor([shipped.classes.index(g.name) for g in chosen for _ in range(seeds)])
        drawn = shipped.draw_prompts(prompts, seed=11)
        chance = shipped.judged(drawn)[torch.arange(len(target)), target]
        table[lang] = {"top1": top1(shipped, drawn, target), "top5": top1(shipped, drawn, target, 5),
                       "probability": round(float(chance.mean()), 3), "pictures": len(target)}  # fmt: skip
        print(lang, table[lang], flush=True)
    return table


def backgrounds(shipped: Shipped) -> float:
    """Share of pictures whose border has the colour that the caption names (nine colours, four things)."""
    things = ("sunflower", "frog", "red apple", "penguin")
    pairs = [(thing, colour) for thing in things for colour in v.BACKGROUNDS]
    drawn = shipped.draw_prompts([f"a {thing} on a {colour} background" for thing, colour in pairs], seed=13)
    right = [got == colour for got, (_, colour) in zip(background_colour(drawn), pairs, strict=True)]
    print("background colour right:", np.mean(right), flush=True)
    return round(float(np.mean(right)), 3)
