"""The multilingual text tower, distilled from the frozen CLIP text tower (squared error and contrast)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

from . import clip, models
from .common import load_trained, mixed, train
from .data import TrainingSet

if TYPE_CHECKING:
    from .stages import Place

PAD_ID = 1


def build(place: Place) -> nn.Module:
    return models.multilingual_clip(place.config.model, *clip.text_sizes(place, "xlmr"))


def encode(model: nn.Module, ids_BL: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Pooled ``[B, D]`` and hidden ``[B, L, W]`` of padded ids; L may be cut to the longest text and one pad."""
    mask = (ids_BL != PAD_ID).long()
    return model(ids_BL, mask)


def run(place: Place) -> None:
    """The ``xlmr`` stage. Teacher and student read the same caption; private tokens are matched one to one."""
    stage = place.config.xlmr
    torch.manual_seed(stage.seed)
    data = TrainingSet.open(place.work / "data")
    teacher = clip.load(place).text
    end_id = clip.text_sizes(place, "clip")[0] - 1
    student = build(place)
    named = np.flatnonzero(np.asarray(data.glyph) >= 0)

    def loss_of(step: int, rng: np.random.Generator) -> torch.Tensor:
        rows, picks = rng.choice(named, stage.batch, replace=False), rng.integers(0, 2, stage.batch)
        clip_ids = torch.from_numpy(data.clip_ids[rows, picks].astype(np.int64))
        ids = torch.from_numpy(data.xlmr_ids[rows, picks].astype(np.int64))
        if step % 8 == 0:  # The empty text: the unconditional half of guidance.
            clip_ids[0], ids[0] = end_id, PAD_ID
            clip_ids[0, 0], ids[0, 0], ids[0, 1] = end_id - 1, 0, 2
        with torch.no_grad():
            wanted, _ = clip.pooled_at_end(teacher, clip_ids, end_id)
        longest = int((ids != PAD_ID).sum(-1).max()) + 1
        with mixed():
            got, _ = encode(student, ids[:, :longest])
        got = got.float()
        similarity = 20 * F.normalize(got, dim=-1) @ F.normalize(wanted, dim=-1).T
        duplicates = (torch.cdist(wanted, wanted) < 1e-3) & ~torch.eye(len(wanted), dtype=torch.bool)
        similarity = similarity.masked_fill(duplicates, -1e4)
        contrast = F.cross_entropy(similarity, torch.arange(len(got)))
        return F.mse_loss(got, wanted) / wanted.var() + 0.3 * contrast

    train("xlmr", stage, student, loss_of, place.work)


def load(place: Place) -> nn.Module:
    """The trained tower with its private rows, frozen."""
    return load_trained("xlmr", build(place), place.work)
