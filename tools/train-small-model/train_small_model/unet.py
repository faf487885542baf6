"""The decoder: noise prediction on MoVQ latents, steered by image embeddings and XLM-R's text.

Half of each batch is picture-only (true embedding; empty text, or for private glyphs half the time their own token),
half captioned; about a third of the captioned embeddings are the prior's samples. Everything frozen is cached.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from diffusers import UNet2DConditionModel

from . import clip, models, movq, prior, xlmr
from .common import load_trained, mixed, save_array, train
from .data import TrainingSet, batch_images

if TYPE_CHECKING:
    from .stages import Place

STEPS = 1000
MIN_SNR = 5.0
EMPTY_EMBEDDING = 0.08  # Share of samples with zero embedding and empty text: guidance's unconditional half.
PRIOR_SHARE = 0.3  # Share of samples with an embedding sampled by the prior.
PRIVATE_UNTOLD = 0.5  # Share of private glyphs shown with the empty text.
PRIOR_STEPS, PRIOR_GUIDANCE = 5, 4.0


def alphas_bar() -> torch.Tensor:
    """Cumulative alphas of Kandinsky's linear betas .00085 … .012."""
    return torch.cumprod(1 - torch.linspace(0.00085, 0.012, STEPS, dtype=torch.float64), 0).float()


def cached(place: Place, name: str) -> np.ndarray:
    return np.load(place.work / f"{name}.npy", mmap_mode="r")


@torch.no_grad()
def cache_latents(place: Place) -> None:
    """``latents.npy`` [N, 4, 16, 16] fp16 of the whole set."""
    data, model = TrainingSet.open(place.work / "data"), movq.load(place).to(memory_format=torch.channels_last)
    parts = []
    for rows in np.array_split(np.arange(len(data.images)), len(data.images) // 64):
        parts.append(model.encode(batch_images(data, rows)).latents.numpy().astype(np.float16))
        if len(parts) % 150 == 0:
            print(f"latents {rows[-1]}/{len(data.images)}", flush=True)
    save_array(np.concatenate(parts), place.work / "latents.npy")


@torch.no_grad()
def cache_prior(place: Place) -> None:
    """``prior_rows.npy`` [P] captioned rows and ``prior_embeds.npy`` [P, D]: the prior's samples for caption 0."""
    data, model, text = TrainingSet.open(place.work / "data"), prior.load(place), clip.load(place).text
    end_id = clip.text_sizes(place, "clip")[0] - 1
    captioned, private, _ = kinds_of_rows(place, data)
    told = np.sort(np.concatenate([captioned, private])) if place.private_rows else captioned
    rows = told[: place.config.prior_samples]
    generator = torch.Generator().manual_seed(5)
    parts = []
    for part in np.array_split(rows, len(rows) // 250):
        ids = torch.from_numpy(data.clip_ids[part, 0].astype(np.int64))
        parts.append(prior.sample(model, text, ids, end_id, PRIOR_GUIDANCE, PRIOR_STEPS, generator).numpy())
    np.save(place.work / "prior_rows.npy", rows)
    np.save(place.work / "prior_embeds.npy", np.concatenate(parts))


def kinds_of_rows(place: Place, data: TrainingSet) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows of captioned glyphs, of private glyphs, and of procedural variety."""
    glyph = np.asarray(data.glyph)
    kinds = np.array([g.kind for g in place.glyphs.glyphs])
    is_private = (glyph >= 0) & (kinds[glyph] == "private")
    return np.flatnonzero((glyph >= 0) & ~is_private), np.flatnonzero(is_private), np.flatnonzero(glyph < 0)


def full_text(hidden_BLW: torch.Tensor) -> torch.Tensor:
    """Repeats the last state, a pad's, up to 77 tokens: exactly what the tower gives, for all pads are alike."""
    pads = hidden_BLW[:, -1:].expand(-1, models.TEXT_TOKENS - hidden_BLW.shape[1], -1)
    return torch.cat([hidden_BLW, pads], 1)


class Batches:
    """Draws UNet batches from the caches."""

    def __init__(self, place: Place) -> None:
        self.data = TrainingSet.open(place.work / "data")
        self.latents, self.embeds = cached(place, "latents"), cached(place, "image_embeds")
        self.captioned, self.private, self.variety = kinds_of_rows(place, self.data)
        self.untold = PRIVATE_UNTOLD if place.private_rows else 1.0
        sampled, self.prior_embeds = cached(place, "prior_rows"), cached(place, "prior_embeds")
        self.sample_of = {int(row): i for i, row in enumerate(sampled)}
        self.sampled_captioned, self.sampled_private = (
            np.intersect1d(sampled, rows) for rows in (self.captioned, self.private)
        )
        self.text = xlmr.load(place)
        self.empty_ids = np.full(self.data.xlmr_ids.shape[-1], xlmr.PAD_ID, np.int64)
        self.empty_ids[:2] = (0, 2)
        with torch.no_grad():
            self.zero = clip.load(place).vision(torch.zeros(1, 3, 64, 64)).image_embeds[0].numpy()

    def draw(self, rng: np.random.Generator, size: int) -> tuple[torch.Tensor, ...]:
        """Latents ``[B, 4, 16, 16]``, image embeddings ``[B, D]``, pooled text ``[B, D]``, text ``[B, 77, W]``."""
        rows, *conditions = self.draw_rows(rng, size)
        return self.latents_of(rows), *conditions

    def latents_of(self, rows: np.ndarray) -> torch.Tensor:
        return torch.from_numpy(np.asarray(self.latents[rows], np.float32))

    @torch.no_grad()
    def draw_rows(
        self, rng: np.random.Generator, size: int
    ) -> tuple[np.ndarray, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Rows of the set, and what stands for each: image embeddings, pooled text, text, as in :meth:`draw`."""
        half, quarter = size // 2, size // 4
        told = half if self.untold == 1 else half + quarter  # Those whose text the prior can read.
        rows = np.concatenate([rng.choice(self.captioned, half), rng.choice(self.private, quarter),
                               rng.choice(self.variety, size - half - quarter)])  # fmt: skip
        sampled = np.flatnonzero(rng.random(told) < PRIOR_SHARE * size / told)
        for i in sampled:
            rows[i] = rng.choice(self.sampled_captioned if i < half else self.sampled_private)
        picks = rng.integers(0, 2, size)
        picks[sampled] = 0  # The prior read caption 0.
        embeds = np.asarray(self.embeds[rows], np.float32)
        embeds[sampled] = self.prior_embeds[[self.sample_of[int(row)] for row in rows[sampled]]]
        ids = self.data.xlmr_ids[rows, picks].astype(np.int64)
        private = np.arange(half, half + quarter)
        ids[private[rng.random(quarter) < self.untold]] = self.empty_ids
        ids[half + quarter :] = self.empty_ids
        empty = rng.random(size) < EMPTY_EMBEDDING
        embeds[empty], ids[empty] = self.zero, self.empty_ids
        tokens = torch.from_numpy(ids)
        tokens = tokens[:, : int((tokens != xlmr.PAD_ID).sum(-1).max()) + 1]
        pooled, hidden = xlmr.encode(self.text, tokens)
        return rows, torch.from_numpy(embeds), pooled, full_text(hidden)


def timesteps(rng: np.random.Generator, size: int) -> torch.Tensor:
    """Uniform for 55 %, uniform in the noisier half for the rest: there the picture's layout is decided."""
    high = rng.random(size) < 0.45
    return torch.from_numpy(np.where(high, rng.integers(500, STEPS, size), rng.integers(0, STEPS, size)))


def run(place: Place) -> None:
    """The ``unet`` stage."""
    stage = place.config.unet
    torch.manual_seed(stage.seed)
    model, batches, bars = build(place), Batches(place), alphas_bar()

    def loss_of(step: int, rng: np.random.Generator) -> torch.Tensor:
        latents, embeds, pooled, text = batches.draw(rng, stage.batch)
        t, noise, noisy = noised(latents, bars, rng)
        with mixed():
            guess = model(noisy, t, text, added_cond_kwargs=models.added_conditions(pooled, embeds)).sample[:, :4]
        errors = (guess.float() - noise).square().mean((1, 2, 3))
        return (min_snr_weight(bars[t]) * errors).mean() / 0.5

    train("unet", stage, model, loss_of, place.work)


def noised(
    latents: torch.Tensor, bars: torch.Tensor, rng: np.random.Generator
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Random steps ``[B]``, noise, and the latents with that much of it, channels last."""
    t = timesteps(rng, len(latents))
    noise = torch.from_numpy(rng.standard_normal(tuple(latents.shape), dtype=np.float32))
    a = bars[t][:, None, None, None]
    return t, noise, (a.sqrt() * latents + (1 - a).sqrt() * noise).contiguous(memory_format=torch.channels_last)


def min_snr_weight(bars_B: torch.Tensor) -> torch.Tensor:
    """Min-SNR weighting of the noise's squared error (Hang et al. 2023, gamma MIN_SNR)."""
    snr = bars_B / (1 - bars_B)
    return snr.clamp(max=MIN_SNR) / snr


def build(place: Place) -> UNet2DConditionModel:
    """A fresh decoder. The learnt-sigma channels start at zero and stay there: the middle of the allowed range."""
    model = models.unet(place.config.model)
    with torch.no_grad():
        model.conv_out.weight.mul_(0.1)
        model.conv_out.weight[4:].zero_()
        model.conv_out.bias.zero_()
    return model.to(memory_format=torch.channels_last)


def load(place: Place) -> UNet2DConditionModel:
    """The trained decoder, frozen."""
    return load_trained("unet", build(place), place.work)  # type: ignore[return-value]
