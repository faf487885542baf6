"""A training step as the reference script does it, plainly: the baseline of bench:step.

Both towers' whole embedding tables get gradients and AdamW (the placeholder is one row more, past the vocabulary), and
after the update every row but the placeholder's is put back. Each step encodes its picture with MoVQ, pads both texts
to 77 tokens, computes the unconditional text again, and samples the prior's 5 steps by diffusers' own PriorTransformer,
with gradient through all of them. Everything else is frozen; XLM-R's dropout is off, so that gradients can be compared.
Legend: N pictures (1), C latent channels, H/W latent cells or pixels, E joint width, L 77 tokens.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from diffusers import PriorTransformer, UNet2DConditionModel, VQModel
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP
from torch import nn
from transformers import CLIPTextModelWithProjection

from murnau_worker.families.kandinsky21.processes import DECODER_PROCESS
from murnau_worker.sampling.prior_schedule import prior_schedule

PADDED_LENGTH = 77
GUIDANCE = 4.0


@dataclass(frozen=True)
class ReferenceParts:
    """The model's parts as upstream classes."""

    text_encoder: MultilingualCLIP
    clip_text: CLIPTextModelWithProjection
    prior: PriorTransformer
    unet: UNet2DConditionModel
    movq: VQModel


@dataclass(frozen=True)
class ReferenceBatch:
    """One picture with its prompt's ids, padded to 77, the empty prompt's for CLIP, and the tensors of its noise."""

    pixels_N3HW: torch.Tensor
    t1_ids_NL: torch.Tensor
    t1_mask_NL: torch.Tensor
    t2_ids_NL: torch.Tensor
    t2_mask_NL: torch.Tensor
    empty_ids_NL: torch.Tensor
    empty_mask_NL: torch.Tensor
    noise: Mapping[str, torch.Tensor]


class WholeTable:
    """A tower's embedding table with one row more, all of it trained, all but the last put back after each step."""

    def __init__(self, tower: Any, row_1D: torch.Tensor) -> None:
        known: torch.Tensor = tower.get_input_embeddings().weight
        table = nn.Embedding(len(known) + 1, known.shape[1], device=known.device)
        table.weight.data = torch.cat([known.detach(), row_1D])
        tower.set_input_embeddings(table)
        self.weight = table.weight
        self._original_VD = table.weight.detach().clone()
        self._is_kept_V = torch.arange(len(table.weight), device=known.device) < len(known)

    @property
    def row_gradient(self) -> torch.Tensor:
        """Of the placeholder's row [1, D]."""
        assert self.weight.grad is not None
        return self.weight.grad[-1:]

    @torch.no_grad()
    def put_back(self) -> None:
        self.weight[self._is_kept_V] = self._original_VD[self._is_kept_V]


class ReferenceStep:
    def __init__(
        self, parts: ReferenceParts, rows: tuple[torch.Tensor, torch.Tensor], rates: tuple[float, float], decay: float
    ) -> None:
        """`rows`: the placeholder's [1, D] in XLM-R and CLIP; `rates`: their learning rates."""
        self.parts = parts
        self._unet: Any = parts.unet
        self._movq: Any = parts.movq
        self._prior: Any = parts.prior
        for part in (parts.text_encoder, parts.clip_text, parts.prior, parts.unet, parts.movq):
            part.requires_grad_(False).eval()
        self.t1 = WholeTable(parts.text_encoder.transformer, rows[0])
        self.t2 = WholeTable(parts.clip_text, rows[1])
        self._optimizer = torch.optim.AdamW(
            [{"params": [table.weight], "lr": rate} for table, rate in zip((self.t1, self.t2), rates, strict=True)],
            weight_decay=decay,
        )

    def step(self, batch: ReferenceBatch) -> float:
        """One step; returns its loss. The gradients can be read until the next."""
        self._optimizer.zero_grad()
        loss = self._loss(batch)
        loss.backward()
        self._optimizer.step()
        self.t1.put_back()
        self.t2.put_back()
        return float(loss.detach())

    def _loss(self, batch: ReferenceBatch) -> torch.Tensor:
        with torch.no_grad():
            latents_NCHW: torch.Tensor = self._movq.encode(batch.pixels_N3HW).latents
        image_NE = self._sample_prior(batch)
        pooled_NE, context_NLD = self.parts.text_encoder(input_ids=batch.t1_ids_NL, attention_mask=batch.t1_mask_NL)
        timesteps_N, noise_NCHW = batch.noise["timesteps"], batch.noise["noise"]
        alpha_bar = torch.from_numpy(DECODER_PROCESS.alpha_bar)[timesteps_N.cpu()].to(noise_NCHW)[:, None, None, None]
        noised_NCHW = alpha_bar.sqrt() * latents_NCHW + (1 - alpha_bar).sqrt() * noise_NCHW
        output = self._unet(
            noised_NCHW,
            timesteps_N,
            encoder_hidden_states=context_NLD,
            added_cond_kwargs={"text_embeds": pooled_NE, "image_embeds": image_NE},
        ).sample
        return nn.functional.mse_loss(output[:, : noise_NCHW.shape[1]], noise_NCHW)

    def _sample_prior(self, batch: ReferenceBatch) -> torch.Tensor:
        """The prior's sampler with guidance; the wanted text is the batch's first half, the empty one its second."""
        prior, steps_NSE = self._prior, batch.noise["prior_steps"]
        wanted_NLD, wanted_pooled_NE = self._clip_text(batch.t2_ids_NL, batch.t2_mask_NL)
        empty_NLD, empty_pooled_NE = self._clip_text(batch.empty_ids_NL, batch.empty_mask_NL)
        noised_NE = batch.noise["prior_init"]
        tables = prior_schedule(str(steps_NSE.shape[1])).tables
        for draw, index in enumerate(reversed(range(len(tables.timesteps)))):
            predicted = prior(
                torch.cat([noised_NE, noised_NE]),
                timestep=tables.timesteps[index],
                proj_embedding=torch.cat([wanted_pooled_NE, empty_pooled_NE]),
                encoder_hidden_states=torch.cat([wanted_NLD, empty_NLD]),
                attention_mask=torch.cat([batch.t2_mask_NL, batch.empty_mask_NL]),
            ).predicted_image_embedding
            wanted, empty = predicted.chunk(2)
            clean_NE = (empty + GUIDANCE * (wanted - empty)).clamp(-10, 10)
            noised_NE = (
                float(tables.clean_coefficient[index]) * clean_NE + float(tables.noised_coefficient[index]) * noised_NE
            )
            if index > 0:
                noised_NE = noised_NE + math.exp(0.5 * tables.log_variance[index]) * steps_NSE[:, draw]
        return prior.post_process_latents(noised_NE)

    def _clip_text(self, ids_NL: torch.Tensor, mask_NL: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """States [N, L, D] of all 77 tokens, and the end-of-text token's projected to [N, E]."""
        tower: Any = self.parts.clip_text
        states_NLD = tower.text_model(input_ids=ids_NL).last_hidden_state
        at_end_ND = states_NLD[torch.arange(len(ids_NL), device=ids_NL.device), mask_NL.sum(1) - 1]
        return states_NLD, tower.text_projection(at_end_ND)
