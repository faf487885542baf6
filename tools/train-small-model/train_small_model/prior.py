"""The diffusion prior: text to CLIP image embedding, predicting the clean embedding (cosine betas, 1000 steps)."""

from __future__ import annotations

import math
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from diffusers import PriorTransformer
from torch import nn

from . import clip, models
from .common import load_trained, mixed, save_array, train
from .data import TrainingSet, batch_images

if TYPE_CHECKING:
    from .stages import Place

EMPTY_TEXT = 0.12  # Share of pictures trained with the empty text, for guidance.
STEPS = 1000


def cosine_alphas_bar() -> torch.Tensor:
    """Cumulative alphas of the squared-cosine schedule, betas capped at .999 (Improved DDPM, eq. 17), float64."""

    def bar(t: float) -> float:
        return math.cos((t + 0.008) / 1.008 * math.pi / 2) ** 2

    betas = [min(1 - bar((i + 1) / STEPS) / bar(i / STEPS), 0.999) for i in range(STEPS)]
    return torch.cumprod(1 - torch.tensor(betas, dtype=torch.float64), 0)


@torch.no_grad()
def image_embeddings(place: Place) -> np.ndarray:
    """CLIP embeddings ``[N, D]`` float32 of the whole set, computed once."""
    path = place.work / "image_embeds.npy"
    if not path.exists():
        data, vision = TrainingSet.open(place.work / "data"), clip.load(place).vision
        parts = np.array_split(np.arange(len(data.images)), len(data.images) // 256)
        embeds = [vision(batch_images(data, part)).image_embeds.numpy() for part in parts]
        save_array(np.concatenate(embeds), path)
    return np.load(path)


def statistics(embeds_ND: np.ndarray, data: TrainingSet) -> tuple[torch.Tensor, torch.Tensor]:
    """``clip_mean`` and ``clip_std`` ``[1, D]`` over the captioned pictures."""
    named = embeds_ND[np.asarray(data.glyph) >= 0]
    return torch.from_numpy(named.mean(0, keepdims=True)), torch.from_numpy(named.std(0, keepdims=True))


def run(place: Place) -> None:
    """The ``prior`` stage."""
    stage = place.config.prior
    torch.manual_seed(stage.seed)
    data = TrainingSet.open(place.work / "data")
    embeds = image_embeddings(place)
    mean, std = statistics(embeds, data)
    text = clip.load(place).text
    end_id = clip.text_sizes(place, "clip")[0] - 1
    model = models.prior(place.config.model)
    with torch.no_grad():
        model.clip_mean.copy_(mean)
        model.clip_std.copy_(std)
    model.clip_mean.requires_grad_(False)
    model.clip_std.requires_grad_(False)
    named, alphas = np.flatnonzero(np.asarray(data.glyph) >= 0), cosine_alphas_bar()

    def loss_of(step: int, rng: np.random.Generator) -> torch.Tensor:
        rows, picks = rng.choice(named, stage.batch), rng.integers(0, 2, stage.batch)
        ids = torch.from_numpy(data.clip_ids[rows, picks].astype(np.int64))
        ids[torch.from_numpy(rng.random(stage.batch) < EMPTY_TEXT)] = empty_ids(end_id, ids.shape[1])
        with torch.no_grad():
            pooled, hidden = clip.pooled_at_end(text, ids, end_id)
        x0 = (torch.from_numpy(embeds[rows]) - mean) / std
        # Half of the draws in the last third: the five sampling steps spend most of their change there.
        t = torch.from_numpy(np.where(rng.random(stage.batch) < 0.5, rng.integers(0, STEPS, stage.batch),
                                      rng.integers(650, STEPS, stage.batch)))  # fmt: skip
        a = alphas[t].float()[:, None]
        noisy = a.sqrt() * x0 + (1 - a).sqrt() * torch.randn_like(x0)
        with mixed():
            guess = predict(model, noisy, t, pooled, hidden, ids, end_id)
        return F.mse_loss(guess.float(), x0)

    train("prior", stage, model, loss_of, place.work)


def empty_ids(end_id: int, length: int) -> torch.Tensor:
    """The empty text's ids: start, end, pads (which are the end token)."""
    ids = torch.full((length,), end_id)
    ids[0] = end_id - 1
    return ids


def predict(model: nn.Module, noisy_BD: torch.Tensor, t_B: torch.Tensor, pooled_BD: torch.Tensor,
            hidden_BLD: torch.Tensor, ids_BL: torch.Tensor, end_id: int) -> torch.Tensor:  # fmt: skip
    """One evaluation of the prior with the text trimmed to the batch's longest; pads are masked as in the pipeline.

    The prior adds one learnt position per token, the text's first: trimming drops the masked tokens between the text
    and the four others, whose positions are the last four.
    """
    length = hidden_BLD.shape[1]
    ends = (ids_BL == end_id).int().argmax(-1)
    mask = torch.arange(length)[None] <= ends[:, None]
    pad = models.TEXT_TOKENS - length
    whole = model.positional_embedding
    trimmed = torch.cat([whole[:, :length], whole[:, length + pad :]], 1)
    return _forward(model, noisy_BD, t_B, pooled_BD, hidden_BLD, mask, trimmed)


def _forward(model, noisy, t, pooled, hidden, mask, positions):
    """PriorTransformer.forward with given positions; equal to the untrimmed one (checked by ``evaluate``)."""
    batch = len(noisy)
    time = model.time_embedding(model.time_proj(t).to(noisy.dtype))
    parts = [
        model.encoder_hidden_states_proj(hidden),
        model.embedding_proj(pooled)[:, None],
        time[:, None],
        model.proj_in(noisy)[:, None],
        model.prd_embedding.to(noisy.dtype).expand(batch, -1, -1),
    ]
    states = torch.cat(parts, 1) + positions
    length = states.shape[1]
    bias = torch.zeros(batch, 1, length).masked_fill(~F.pad(mask, (0, 4), value=True)[:, None], -10_000.0)
    bias = bias + model.causal_attention_mask[:, :length, :length]
    bias = bias.repeat_interleave(model.config.num_attention_heads, 0)
    for block in model.transformer_blocks:
        states = block(states, attention_mask=bias)
    return model.proj_to_clip_embeddings(model.norm_out(states)[:, -1])


@lru_cache
def _sampling(count: int) -> list[tuple[int, float, float, float]]:
    """(t, x0's coefficient, x_t's coefficient, deviation) of each respaced ancestral step, as Kandinsky's "5"."""
    bars = cosine_alphas_bar()
    stride = (STEPS - 1) / (count - 1) if count > 1 else 1
    steps = [round(i * stride) for i in range(count)]
    out, previous = [], 1.0
    for t in steps:
        bar = float(bars[t])
        beta = 1 - bar / previous
        variance = beta * (1 - previous) / (1 - bar)
        out.append((t, beta * math.sqrt(previous) / (1 - bar), (1 - previous) * math.sqrt(1 - beta) / (1 - bar),
                    math.sqrt(variance)))  # fmt: skip
        previous = bar
    return out[::-1]


def sample(model: nn.Module, text: nn.Module, ids_BL: torch.Tensor, end_id: int, guidance: float, count: int,
           generator: torch.Generator) -> torch.Tensor:  # fmt: skip
    """Image embeddings ``[B, D]`` (denormalised) by ``count`` guided ancestral steps; x0 is clipped to ±10."""
    batch = len(ids_BL)
    both = torch.cat([ids_BL, empty_ids(end_id, ids_BL.shape[1]).expand(batch, -1)])
    pooled, hidden = clip.pooled_at_end(text, both, end_id)
    both = both[:, : hidden.shape[1]]
    x = torch.randn(batch, model.config.embedding_dim, generator=generator)
    for t, c0, ct, deviation in _sampling(count):
        x0 = predict(model, x.repeat(2, 1), torch.full((2 * batch,), t), pooled, hidden, both, end_id)
        with_text, without = x0.chunk(2)
        x0 = (without + guidance * (with_text - without)).clamp(-10, 10)
        x = c0 * x0 + ct * x + deviation * torch.randn(x.shape, generator=generator)
    return x * model.clip_std + model.clip_mean


def load(place: Place) -> PriorTransformer:
    """The trained prior, frozen."""
    return load_trained("prior", models.prior(place.config.model), place.work)  # type: ignore[return-value]
