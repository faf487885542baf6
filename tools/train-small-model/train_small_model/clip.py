"""CLIP's two towers: image-text contrast, and a thumbnail regressed from the embedding so that it keeps detail.

Private glyphs take part with learnt tokens of their own (rows past the vocabulary, dropped at export), so that the
towers learn a whole family of concepts steered by one row: what textual inversion asks for later.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from . import models
from .common import load_trained, mixed, train
from .data import TrainingSet, batch_images
from .tokenizers import open_tokenizer

if TYPE_CHECKING:
    from .stages import Place

THUMBNAIL = 32
THUMBNAIL_WEIGHT = 24.0


class ClipTrainer(nn.Module):
    """Both towers, the logit scale and the thumbnail head (used in training only)."""

    def __init__(self, place: Place) -> None:
        super().__init__()
        m, vocab, private = place.config.model, *text_sizes(place, "clip")
        self.text = models.clip_text(m, vocab, vocab - 1, private)
        self.vision = models.clip_vision(m, place.config.data.image_size)
        self.logit_scale = nn.Parameter(torch.tensor(2.7))
        self.head = nn.Sequential(nn.Linear(m.embed_dim, 512), nn.GELU(), nn.Linear(512, 3 * THUMBNAIL**2))


def text_sizes(place: Place, tower: str) -> tuple[int, int]:
    """Size of a tower's vocabulary and its number of private rows."""
    tokenizer = open_tokenizer(place.work, tower)
    return len(tokenizer), place.private_rows


def pooled_at_end(text, ids_BL: torch.Tensor, end_id: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled ``[B, D]`` and hidden ``[B, L, D]`` states; pads follow the first end token and are never seen by it."""
    lengths = (ids_BL == end_id).int().argmax(-1)
    trimmed = ids_BL[:, : int(lengths.max()) + 1]
    hidden = text.text_model(input_ids=trimmed).last_hidden_state
    pooled = hidden[torch.arange(len(hidden)), lengths]
    return text.text_projection(pooled), hidden


def contrast(image_BD: torch.Tensor, text_BD: torch.Tensor, scale: torch.Tensor, same_BB: torch.Tensor) -> torch.Tensor:
    """Symmetric InfoNCE; ``same_BB`` marks pairs off the diagonal that show the same thing and are no negatives."""
    logits = scale.exp().clamp(max=100) * F.normalize(image_BD, dim=-1) @ F.normalize(text_BD, dim=-1).T
    logits = logits.masked_fill(same_BB, -1e4)
    target = torch.arange(len(logits))
    return (F.cross_entropy(logits, target) + F.cross_entropy(logits.T, target)) / 2


def run(place: Place) -> None:
    """The ``clip`` stage."""
    stage = place.config.clip
    torch.manual_seed(stage.seed)
    data = TrainingSet.open(place.work / "data")
    trainer = ClipTrainer(place)
    end_id = text_sizes(place, "clip")[0] - 1

    def loss_of(step: int, rng: np.random.Generator) -> torch.Tensor:
        rows = np.sort(rng.choice(len(data.images), stage.batch, replace=False))
        pixels = batch_images(data, rows)
        with mixed():
            embeds = trainer.vision(pixels).image_embeds
        embeds = embeds.float()
        thumbnail = F.adaptive_avg_pool2d(pixels, THUMBNAIL).flatten(1)
        loss = THUMBNAIL_WEIGHT * F.mse_loss(trainer.head(embeds), thumbnail)
        named = np.flatnonzero(data.glyph[rows] >= 0)
        picks = rng.integers(0, 2, len(named))
        ids = torch.from_numpy(data.clip_ids[rows[named], picks].astype(np.int64))
        with mixed():
            text, _ = pooled_at_end(trainer.text, ids, end_id)
        glyph = torch.from_numpy(data.glyph[rows[named]].astype(np.int64))
        ground = torch.from_numpy(data.background[rows[named]].astype(np.int64))
        same = (glyph[:, None] == glyph) & (ground[:, None] == ground) & ~torch.eye(len(named), dtype=torch.bool)
        return loss + contrast(embeds[named], text.float(), trainer.logit_scale, same)

    train("clip", stage, trainer, loss_of, place.work)


def load(place: Place) -> ClipTrainer:
    """The trained towers, frozen."""
    return load_trained("clip", ClipTrainer(place), place.work)  # type: ignore[return-value]
