"""Every size, schedule and seed of the training, in one place.

Widths are chosen for a download of at most 16 MB in fp16 (the inpainting decoder apart) and for two CPU cores; steps,
never wall time, end a stage.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class DataConfig:
    """Sizes of the fixed set of augmented renderings that every stage reads."""

    image_size: int = 64
    captioned: int = 30_000
    coloured: int = 13_000
    private: int = 26_000
    variety: int = 27_000
    max_tokens: int = 24
    clip_vocab_size: int = 3_400
    xlmr_vocab_size: int = 3_000
    seed: int = 1

    @property
    def pictures(self) -> int:
        return self.captioned + self.coloured + self.private + self.variety

    def scaled(self, pictures: int) -> DataConfig:
        """The same shares in a set of ``pictures``; refuses sizes outside 4,000 … the recipe's own."""
        if not 4_000 <= pictures <= self.pictures:
            raise ValueError(f"--pictures is {pictures:,}; give 4,000 to {self.pictures:,}, or leave it out for all")
        share = pictures / self.pictures
        captioned, coloured, private = (round(n * share) for n in (self.captioned, self.coloured, self.private))
        rest = pictures - captioned - coloured - private
        return replace(self, captioned=captioned, coloured=coloured, private=private, variety=rest)


@dataclass(frozen=True)
class Stage:
    """One training stage: optimizer steps, batch, peak learning rate and its final fraction (cosine)."""

    steps: int
    batch: int
    lr: float
    warmup: int = 100
    final_lr: float = 0.03
    weight_decay: float = 0.01
    ema: float = 0.0
    seed: int = 0


@dataclass(frozen=True)
class ModelConfig:
    """Widths. ``embed_dim`` is CLIP's joint space and also the text tower's width (Kandinsky's prior asks for that)."""

    embed_dim: int = 128
    text_layers: int = 2
    vision_width: int = 160
    vision_layers: int = 4
    patch_size: int = 16
    vision_heads: int = 8  # Narrow heads: one more place that the class token can read from, each.
    xlmr_width: int = 128
    xlmr_layers: int = 2
    heads: int = 4
    max_positions: int = 77
    prior_heads: int = 5
    prior_head_dim: int = 32
    prior_layers: int = 3
    movq_channels: tuple[int, ...] = (32, 32, 64)
    movq_codes: int = 1024
    unet_channels: tuple[int, ...] = (48, 64, 96)
    unet_head_dim: int = 32


@dataclass(frozen=True)
class Config:
    """The whole recipe."""

    data: DataConfig = field(default_factory=DataConfig)
    model: ModelConfig = field(default_factory=ModelConfig)
    prior_samples: int = 16_000  # Captioned and private rows that also have an embedding sampled by the prior.
    clip: Stage = Stage(steps=3_000, batch=192, lr=2e-3, seed=11)
    xlmr: Stage = Stage(steps=1_500, batch=128, lr=1.5e-3, seed=12)
    movq: Stage = Stage(steps=700, batch=16, lr=3e-3, warmup=30, seed=13)
    prior: Stage = Stage(steps=1_500, batch=96, lr=2e-3, ema=0.998, weight_decay=0.02, seed=14)
    unet: Stage = Stage(steps=8_000, batch=48, lr=1.5e-3, warmup=200, final_lr=0.03, ema=0.999, seed=15)
    inpaint: Stage = Stage(steps=1_600, batch=48, lr=1e-3, warmup=100, final_lr=0.03, ema=0.998, seed=17)
    judge: Stage = Stage(steps=700, batch=64, lr=2e-3, seed=16)
