"""Textual inversion of the held-out examples in plain code, for the third table only (objective ``joint``).

The worker has the real trainer; this one has no packing, no resume, no trimming beyond what sampling does.
"""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import torch
from PIL import Image
from torch import nn

from . import unet
from .common import gathered, rank, world_size
from .sampling import Shipped
from .sheets import sheet

if TYPE_CHECKING:
    from .stages import Place

TEMPLATES = ("a photo of a {}", "a picture of a {}", "a rendering of a {}", "a photo of the {}", "a photo of one {}",
             "a close-up photo of a {}", "a good photo of the {}", "the photo of a {}")  # fmt: skip
STEPS, BATCH, WARMUP = 120, 4, 10
RATE_T1, RATE_T2 = 0.1, 0.1  # Of the vocabulary's RMS, peak; cosine to a tenth.
PICTURES, SEEDS = 16, 3


class LearntRow(nn.Module):
    """A frozen token table and one learnt row past its end."""

    def __init__(self, table: nn.Embedding, start: int) -> None:
        super().__init__()
        self.table, self.row = table, nn.Parameter(table.weight[start].detach().clone())

    def forward(self, ids_BL: torch.Tensor) -> torch.Tensor:
        last = len(self.table.weight)
        known = self.table(ids_BL.clamp(max=last - 1))
        return torch.where((ids_BL == last)[..., None], self.row, known)


def run(place: Place) -> None:
    """The ``invert`` stage: every concept of examples/concepts.json, SEEDS runs each; processes share the concepts.

    A combination starts from its noun, a glyph from its closest word.
    """
    torch.manual_seed(0)
    shipped = Shipped(place.repository / "models" / "kandinsky-2.1-small")
    concepts = json.loads((place.repository / "examples" / "concepts.json").read_text("utf-8"))
    concepts = [c for pair in zip(concepts[:9], concepts[9:], strict=True) for c in pair]  # Kinds mixed.
    results: list[tuple[dict[str, Any], torch.Tensor]] = []
    for concept in concepts[rank() :: world_size()]:
        started = time.monotonic()
        folder = place.repository / "examples" / concept["folder"]
        target = shipped.classes.index(concept["judge_class"])
        words = {word: float(score(shipped, [f"a photo of a {word}"] * PICTURES, target)[0].mean())
                 for word in concept["initializers"]}  # fmt: skip
        start = concept["initializers"][0] if concept["kind"] == "combination" else concept["initializers"][-1]
        chance, drawn = map(torch.stack, zip(*(learnt(shipped, folder, start, seed, target) for seed in range(SEEDS)),
                                             strict=True))  # fmt: skip
        record = {
            "concept": concept["judge_class"], "kind": concept["kind"], "start": start,
            "baseline": round(max(words.values()), 3), "ceiling": ceiling(shipped, folder, target),
            "probability": round(float(chance.mean()), 3),
            "seeds": [round(float(part.mean()), 3) for part in chance],
            "top1": round(float((shipped.judged(drawn.flatten(0, 1)).argmax(-1) == target).float().mean()), 3),
            "seconds": round(time.monotonic() - started),
        }  # fmt: skip
        results.append((record, torch.cat([pictures_of(folder)[:2], drawn[:, :2].flatten(0, 1)])))
        print(record, flush=True)
    shares = gathered(results)
    if rank() == 0:
        every = sorted(
            (result for share in shares for result in share), key=lambda result: result[0]["kind"] != "glyph"
        )
        records = [record for record, _ in every]
        (place.work / "inversion.json").write_text(json.dumps(records, indent=1) + "\n", "utf-8")
        pictures = torch.cat([pictures for _, pictures in every])
        sheet(pictures, place.repository / "docs" / "images" / "inversion.png", 8)


def learnt(shipped: Shipped, folder: Path, start: str, seed: int, target: int) -> tuple[torch.Tensor, torch.Tensor]:
    """One run: the judge's probabilities ``[PICTURES]`` of ``target`` and the pictures drawn with what was learnt."""
    with learn(shipped, folder, start, seed):
        return score(shipped, ["a photo of a \u0001"] * PICTURES, target)


@torch.no_grad()
def ceiling(shipped: Shipped, folder: Path, target: int) -> float:
    """The judge's mean probability on what the decoder draws from the concept's own pictures' embeddings."""
    embeds = shipped.clip_vision(pictures_of(folder)).image_embeds
    embeds = embeds.repeat(-(-PICTURES // len(embeds)), 1)[:PICTURES]
    empty = shipped.xlmr_ids([""]).expand(PICTURES, -1)
    drawn = shipped.draw(embeds, empty, torch.Generator().manual_seed(99))
    return round(float(shipped.judged(drawn)[:, target].mean()), 3)


def pictures_of(folder: Path) -> torch.Tensor:
    """A folder's pictures ``[N, 3, 64, 64]`` in −1..1."""
    files = sorted(folder.glob("*.png"))
    arrays = [np.asarray(Image.open(f).convert("RGB").resize((64, 64), Image.Resampling.BICUBIC)) for f in files]
    return torch.from_numpy(np.stack(arrays)).permute(0, 3, 1, 2).float() / 127.5 - 1


class Rows:
    """Puts a learnt row into both towers while it is entered."""

    def __init__(self, shipped: Shipped, start: str) -> None:
        self.shipped = shipped
        self.clip_owner, self.xlmr_owner = (
            shipped.clip_text.text_model.embeddings, shipped.multilingual.transformer.embeddings
        )  # fmt: skip
        self.t2 = LearntRow(self.clip_owner.token_embedding, shipped.clip_tokenizer(start)["input_ids"][1])
        self.t1 = LearntRow(self.xlmr_owner.word_embeddings, shipped.xlmr_tokenizer(start)["input_ids"][1])

    def __enter__(self) -> Self:
        self.clip_owner.token_embedding, self.xlmr_owner.word_embeddings = self.t2, self.t1
        return self

    def __exit__(self, *_: object) -> None:
        self.clip_owner.token_embedding, self.xlmr_owner.word_embeddings = self.t2.table, self.t1.table


def ids_of(shipped: Shipped, prompts: list[str]) -> tuple[torch.Tensor, torch.Tensor]:
    """CLIP's and XLM-R's padded ids; the mark U+0001 stands for the learnt row."""
    from .tokenizers import encode

    clip_size, xlmr_size = len(shipped.clip_tokenizer), len(shipped.xlmr_tokenizer)
    clip_rows = [encode(shipped.clip_tokenizer, text, clip_size) for text in prompts]
    xlmr_rows = [encode(shipped.xlmr_tokenizer, text, xlmr_size) for text in prompts]
    clip_ids = torch.full((len(prompts), max(map(len, clip_rows))), shipped.end_id)
    xlmr_ids = torch.ones((len(prompts), max(map(len, xlmr_rows)) + 1), dtype=torch.long)
    for i, (a, b) in enumerate(zip(clip_rows, xlmr_rows, strict=True)):
        clip_ids[i, : len(a)], xlmr_ids[i, : len(b)] = torch.tensor(a), torch.tensor(b)
    return clip_ids, xlmr_ids


def learn(shipped: Shipped, folder: Path, start: str, seed: int = 0) -> Rows:
    """The joint objective on both rows; returns the averaged rows (decay .95), not entered."""
    rng, generator = np.random.default_rng(seed), torch.Generator().manual_seed(seed)
    pixels = pictures_of(folder)
    with torch.no_grad():
        latents = shipped.movq.encode(torch.cat([pixels, pixels.flip(-1)])).latents
    rows, bars = Rows(shipped, start), unet.alphas_bar()
    scale = [float(row.table.weight.square().mean().sqrt()) for row in (rows.t1, rows.t2)]
    rates = (RATE_T1 * scale[0], RATE_T2 * scale[1])
    optimizer = torch.optim.AdamW([{"params": [rows.t1.row]}, {"params": [rows.t2.row]}], weight_decay=0.0)
    average = [row.row.detach().clone() for row in (rows.t1, rows.t2)]
    with rows:
        for step in range(STEPS):
            warm = min(1.0, (step + 1) / WARMUP) * (0.1 + 0.45 * (1 + np.cos(np.pi * step / STEPS)))
            for group, rate in zip(optimizer.param_groups, rates, strict=True):
                group["lr"] = rate * warm
            clip_ids, xlmr_ids = ids_of(shipped, [str(t).format("\u0001") for t in rng.choice(TEMPLATES, BATCH)])
            embeds = shipped.prior_embeddings(clip_ids, generator)
            pooled, text = shipped.text(xlmr_ids)
            x0 = latents[torch.from_numpy(rng.integers(0, len(latents), BATCH))]
            t = unet.timesteps(rng, BATCH)
            a = bars[t][:, None, None, None]
            noise = torch.randn(x0.shape, generator=generator)
            noisy = (a.sqrt() * x0 + (1 - a).sqrt() * noise).contiguous(memory_format=torch.channels_last)
            conditions = {"text_embeds": pooled, "image_embeds": embeds}
            guess = shipped.unet(noisy, t, text, added_cond_kwargs=conditions).sample[:, :4]
            loss = (guess - noise).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            for kept, row in zip(average, (rows.t1, rows.t2), strict=True):
                kept.lerp_(row.row.detach(), 0.05 if step > 20 else 0.5)
    with torch.no_grad():
        rows.t1.row.copy_(average[0])
        rows.t2.row.copy_(average[1])
    return rows


@torch.no_grad()
def score(shipped: Shipped, prompts: list[str], target: int) -> tuple[torch.Tensor, torch.Tensor]:
    """The judge's probability of ``target`` and the pictures, with the reporting seed."""
    generator = torch.Generator().manual_seed(99)
    clip_ids, xlmr_ids = ids_of(shipped, prompts)
    drawn = shipped.draw(shipped.prior_embeddings(clip_ids, generator), xlmr_ids, generator)
    return shipped.judged(drawn)[:, target], drawn
