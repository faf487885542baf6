"""Draws with the shipped weights: plain code for evaluation, no pipeline. Shapes: B pictures, D embedding width."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP
from safetensors.torch import load_file
from transformers import (
    CLIPTextModelWithProjection,
    CLIPTokenizer,
    CLIPVisionModelWithProjection,
    XLMRobertaTokenizer,
)

from . import inpaint, judge, prior, unet, xlmr

if TYPE_CHECKING:
    from .stages import Place

GUIDANCE = 2.5
STEPS = 15

# Latents of both halves of guidance, step, text, added conditions → the decoder's output.
NoiseOf = Callable[[torch.Tensor, int, torch.Tensor, dict[str, torch.Tensor]], torch.Tensor]


def shipped_model(place: Place) -> Shipped:
    return Shipped(place.repository / "models" / "kandinsky-2.1-small")


@dataclass(frozen=True)
class Shipped:
    """The model under ``root`` (…/kandinsky-2.1-small), in fp32, parts loaded when first used."""

    root: Path

    def _load(self, kind: type, *path: str):
        model = kind.from_pretrained(self.root.joinpath(*path), torch_dtype=torch.float32)
        return model.eval().requires_grad_(False)

    @cached_property
    def clip_tokenizer(self) -> CLIPTokenizer:
        return CLIPTokenizer.from_pretrained(self.root / "kandinsky-2-1-prior" / "tokenizer")

    @cached_property
    def xlmr_tokenizer(self) -> XLMRobertaTokenizer:
        return XLMRobertaTokenizer.from_pretrained(self.root / "kandinsky-2-1" / "tokenizer")

    @cached_property
    def clip_text(self) -> CLIPTextModelWithProjection:
        return self._load(CLIPTextModelWithProjection, "kandinsky-2-1-prior", "text_encoder")

    @cached_property
    def clip_vision(self) -> CLIPVisionModelWithProjection:
        return self._load(CLIPVisionModelWithProjection, "kandinsky-2-1-prior", "image_encoder")

    @cached_property
    def prior(self) -> PriorTransformer:
        return self._load(PriorTransformer, "kandinsky-2-1-prior", "prior")

    @cached_property
    def multilingual(self) -> MultilingualCLIP:
        return self._load(MultilingualCLIP, "kandinsky-2-1", "text_encoder")

    @cached_property
    def unet(self) -> UNet2DConditionModel:
        return self._load(UNet2DConditionModel, "kandinsky-2-1", "unet").to(memory_format=torch.channels_last)

    @cached_property
    def inpaint_unet(self) -> UNet2DConditionModel:
        return self._load(UNet2DConditionModel, "kandinsky-2-1-inpaint", "unet").to(memory_format=torch.channels_last)

    @cached_property
    def movq(self) -> VQModel:
        return self._load(VQModel, "kandinsky-2-1", "movq")

    @cached_property
    def classes(self) -> list[str]:
        return json.loads((self.root / "judge" / "config.json").read_text("utf-8"))["classes"]

    @cached_property
    def judge(self) -> judge.Judge:
        widths = json.loads((self.root / "judge" / "config.json").read_text("utf-8"))["widths"]
        model = judge.Judge(len(self.classes), tuple(widths))
        state = load_file(self.root / "judge" / "model.safetensors")
        model.load_state_dict({name: tensor.float() for name, tensor in state.items()})
        return model.eval().requires_grad_(False)

    @cached_property
    def zero_embedding(self) -> torch.Tensor:
        """The embedding of a mid-grey picture ``[1, D]``: the unconditional half's, as in Kandinsky."""
        return self.clip_vision(torch.zeros(1, 3, 64, 64)).image_embeds

    def clip_ids(self, prompts: list[str]) -> torch.Tensor:
        return self.clip_tokenizer(prompts, padding=True, return_tensors="pt")["input_ids"]

    def xlmr_ids(self, prompts: list[str]) -> torch.Tensor:
        """Padded to the longest and one pad more, whose state stands for the rest of the 77."""
        ids = self.xlmr_tokenizer(prompts, padding=True, return_tensors="pt")["input_ids"]
        return torch.nn.functional.pad(ids, (0, 1), value=xlmr.PAD_ID)

    @property
    def end_id(self) -> int:
        return self.clip_tokenizer.eos_token_id

    def prior_embeddings(self, ids_BL: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
        return prior.sample(self.prior, self.clip_text, ids_BL, self.end_id, unet.PRIOR_GUIDANCE, 5, generator)

    def text(self, ids_BL: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pooled ``[B, D]`` and the 77 states ``[B, 77, W]``."""
        pooled, hidden = xlmr.encode(self.multilingual, ids_BL)
        return pooled, unet.full_text(hidden)

    def draw(self, embeds_BD: torch.Tensor, ids_BL: torch.Tensor, generator: torch.Generator,
             guidance: float = GUIDANCE, steps: int = STEPS) -> torch.Tensor:  # fmt: skip
        """Pictures ``[B, 3, 64, 64]`` in −1..1."""
        return self.decode(self._latents(self._noise, embeds_BD, ids_BL, generator, guidance, steps))

    def repaint(self, latents_NCHW: torch.Tensor, mask_N1HW: torch.Tensor, embeds_BD: torch.Tensor,
                ids_BL: torch.Tensor, generator: torch.Generator,
                guidance: float = GUIDANCE, steps: int = STEPS) -> torch.Tensor:  # fmt: skip
        """The inpainting decoder's latents ``[B, 4, 16, 16]`` as drawn; see :meth:`pasted`. Mask 1 is kept."""
        kept, mask = latents_NCHW.repeat(2, 1, 1, 1), mask_N1HW.repeat(2, 1, 1, 1)

        def noise(x: torch.Tensor, t: int, text: torch.Tensor, conditions: dict[str, torch.Tensor]) -> torch.Tensor:
            return self.inpaint_unet(inpaint.inputs(x, kept, mask), t, text, added_cond_kwargs=conditions).sample

        return self._latents(noise, embeds_BD, ids_BL, generator, guidance, steps)

    def pasted(self, drawn: torch.Tensor, latents: torch.Tensor, mask: torch.Tensor) -> torch.Tensor:
        """Pictures of what was drawn with the kept latents put back."""
        return self.decode(mask * latents + (1 - mask) * drawn)

    @torch.no_grad()
    def encode(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        return torch.cat([self.movq.encode(part).latents for part in pixels_NCHW.split(64)])

    @torch.no_grad()
    def decode(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        parts = latents_NCHW.split(64)
        return torch.cat([self.movq.decode(part, force_not_quantize=True).sample.clamp(-1, 1) for part in parts])

    def _noise(self, x: torch.Tensor, t: int, text: torch.Tensor, conditions: dict[str, torch.Tensor]) -> torch.Tensor:
        x = x.contiguous(memory_format=torch.channels_last)
        return self.unet(x, t, text, added_cond_kwargs=conditions).sample

    @torch.no_grad()
    def _latents(self, noise_of: NoiseOf, embeds_BD: torch.Tensor, ids_BL: torch.Tensor, generator: torch.Generator,
                 guidance: float, steps: int) -> torch.Tensor:  # fmt: skip
        """Latents ``[B, 4, 16, 16]`` by deterministic DDIM with clean latents held within ±4."""
        batch = len(embeds_BD)
        pooled, text = self.text(ids_BL)
        empty_pooled, empty_text = self.text(self.xlmr_ids([""]))
        pooled, text = (
            torch.cat([pooled, empty_pooled.expand(batch, -1)]),
            torch.cat([text, empty_text.expand(batch, -1, -1)]),
        )
        conditions = {
            "text_embeds": pooled,
            "image_embeds": torch.cat([embeds_BD, self.zero_embedding.expand(batch, -1)]),
        }
        bars = unet.alphas_bar()
        x = torch.randn(batch, 4, 16, 16, generator=generator)
        times = [int(t) for t in torch.linspace(999, 0, steps + 1).round()[:-1]]
        for t, after in zip(times, [*times[1:], -1], strict=True):
            noise = noise_of(x.repeat(2, 1, 1, 1), t, text, conditions)[:, :4]
            with_text, without = noise.chunk(2)
            noise = without + guidance * (with_text - without)
            a = bars[t]
            clean = ((x - (1 - a).sqrt() * noise) / a.sqrt()).clamp(-4, 4)
            noise = (x - a.sqrt() * clean) / (1 - a).sqrt()
            b = bars[after] if after >= 0 else torch.tensor(1.0)
            x = b.sqrt() * clean + (1 - b).sqrt() * noise
        return x

    def draw_prompts(self, prompts: list[str], seed: int, batch: int = 32, **options) -> torch.Tensor:
        """The whole chain, text to picture; one generator for all prompts of the call."""
        generator, out = torch.Generator().manual_seed(seed), []
        for start in range(0, len(prompts), batch):
            part = prompts[start : start + batch]
            with torch.no_grad():
                embeds = self.prior_embeddings(self.clip_ids(part), generator)
            out.append(self.draw(embeds, self.xlmr_ids(part), generator, **options))
        return torch.cat(out)

    @torch.no_grad()
    def judged(self, pictures: torch.Tensor) -> torch.Tensor:
        """The judge's probabilities ``[B, classes]``."""
        return torch.cat([self.judge(part).softmax(-1) for part in pictures.split(128)])
