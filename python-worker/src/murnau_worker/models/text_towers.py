"""The two text towers, trimmed to what is read of them, with learnt rows.

Legend: B batch, L tokens kept, P padded length of t1 (77), D1/D2 tower widths, E width of CLIP's joint space, R rows.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP
from transformers import CLIPTextModelWithProjection

from murnau_worker.core.learnt_rows import LearntRows
from murnau_worker.core.spec import Pooling

T1_PADDED_LENGTH = 77  # the original pads every prompt to it, and the UNet attends to the pads


@dataclass(frozen=True)
class T1Text:
    """What the decoder reads, in fp32: context [B, P, D1] and pooled text [B, E]."""

    context_BPD: torch.Tensor
    pooled_BE: torch.Tensor


@dataclass(frozen=True)
class T2Text:
    """What the prior reads, in fp32: sequence [B, L, D2], pooled text [B, E], mask [B, L] (true where a token is)."""

    sequence_BLD: torch.Tensor
    pooled_BE: torch.Tensor
    mask_BL: torch.Tensor


def set_attention(module: Any, kind: Literal["eager", "sdpa"]) -> None:
    """Chooses a text tower's attention. MultilingualCLIP does not declare the fused one, which its XLM-R has."""
    tower = module.transformer if isinstance(module, MultilingualCLIP) else module
    tower.set_attn_implementation(kind)


class T1Tower:
    """XLM-R with its projection."""

    def __init__(self, encoder: MultilingualCLIP) -> None:
        self.encoder = encoder
        embeddings: Any = encoder.transformer.embeddings
        self.rows = LearntRows(embeddings.word_embeddings)
        embeddings.word_embeddings = self.rows
        config: Any = encoder.config
        self.pad_id: int = config.pad_token_id

    def encode(self, ids_BL: torch.Tensor, rows_RD: torch.Tensor | None, dropout_seed: int | None = None) -> T1Text:
        """Encodes prompts padded at the right with `pad_id`. `dropout_seed`: with dropout, drawn by it.

        Only the longest prompt's tokens and one pad are computed: pads are masked as keys and all have the same
        position, so that every pad has the state of the one computed, which is repeated up to P. Exact.
        """
        ids_BL = ids_BL.to(self.rows.weight.device)
        is_token_BL = ids_BL != self.pad_id
        kept = int(is_token_BL.sum(1).max())
        computed = min(kept + 1, T1_PADDED_LENGTH)
        if ids_BL.shape[1] < computed:
            ids_BL = torch.nn.functional.pad(ids_BL, (0, computed - ids_BL.shape[1]), value=self.pad_id)
        ids_BL = ids_BL[:, :computed]
        with self.rows.using(rows_RD), self._dropout(dropout_seed):
            pooled_BE, states_BLD = self.encoder(input_ids=ids_BL, attention_mask=(ids_BL != self.pad_id).long())
        pads = T1_PADDED_LENGTH - computed
        if pads > 0:
            states_BLD = torch.cat([states_BLD, states_BLD[:, -1:].expand(-1, pads, -1)], dim=1)
        return T1Text(context_BPD=states_BLD.float(), pooled_BE=pooled_BE.float())

    @contextmanager
    def _dropout(self, seed: int | None) -> Generator[None]:
        """Dropout on inside the block, drawn by `seed`; the device's own generator is as before after it."""
        if seed is None:
            yield
            return
        device = self.rows.weight.device
        with torch.random.fork_rng([device] if device.type == "cuda" else []):
            torch.manual_seed(seed)
            self.encoder.train()
            try:
                yield
            finally:
                self.encoder.eval()


class T2Tower:
    """CLIP's text tower. It is causal and knows no pads: cutting what follows the last prompt's end changes nothing."""

    def __init__(self, encoder: CLIPTextModelWithProjection) -> None:
        self.encoder = encoder
        embeddings: Any = encoder.text_model.embeddings
        self.rows = LearntRows(embeddings.token_embedding)
        embeddings.token_embedding = self.rows
        self.context_length: int = encoder.config.max_position_embeddings
        self.projection_ED = encoder.text_projection.weight

    def encode(
        self,
        ids_BL: torch.Tensor,
        mask_BL: torch.Tensor,
        rows_RD: torch.Tensor | None,
        pooling: Pooling | Sequence[Pooling],
    ) -> T2Text:
        """Encodes prompts padded at the right.

        `pooling`, of all prompts or of each: "eot" reads the pooled feature at the last token, "argmax" at the largest
        id: with a learnt token, which lies past the vocabulary, that is the placeholder (what the reference training
        script does).
        """
        kept = int(mask_BL.sum(1).max())
        device = self.rows.weight.device
        ids_BL, mask_BL = ids_BL[:, :kept].to(device), mask_BL[:, :kept].to(device).bool()
        with self.rows.using(rows_RD):
            states_BLD = self.encoder.text_model(input_ids=ids_BL).last_hidden_state
        poolings = [pooling] * len(ids_BL) if isinstance(pooling, str) else pooling
        at_largest_B = torch.tensor([kind == "argmax" for kind in poolings], device=device)
        place_B = torch.where(at_largest_B, ids_BL.masked_fill(~mask_BL, -1).argmax(1), mask_BL.sum(1) - 1)
        read_BD = states_BLD[torch.arange(len(ids_BL), device=device), place_B]
        pooled_BE = read_BD @ self.projection_ED.T
        return T2Text(sequence_BLD=states_BLD.float(), pooled_BE=pooled_BE.float(), mask_BL=mask_BL)
