"""XLM-R with its projection (multilingual CLIP), with learnt rows.

Legend: B batch, L tokens kept, P padded length (77), D width of a row, E width of the pooled text, R rows.
"""

from __future__ import annotations

from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Literal

import torch
from diffusers.pipelines.kandinsky.text_encoder import MultilingualCLIP

from murnau_worker.core.learnt_rows import LearntRows

PADDED_LENGTH = 77  # the originals pad every prompt to it, and their UNets attend to the pads


@dataclass(frozen=True)
class XlmrText:
    """In fp32: the tokens' states [B, P, D], and the pooled text [B, E]."""

    context_BPD: torch.Tensor
    pooled_BE: torch.Tensor


def set_attention(module: Any, kind: Literal["eager", "sdpa"]) -> None:
    """Chooses a text tower's attention. MultilingualCLIP does not declare the fused one, which its XLM-R has."""
    tower = module.transformer if isinstance(module, MultilingualCLIP) else module
    tower.set_attn_implementation(kind)


class XlmrTower:
    """XLM-R with its projection."""

    def __init__(self, encoder: MultilingualCLIP) -> None:
        self.encoder = encoder
        embeddings: Any = encoder.transformer.embeddings
        self.rows = LearntRows(embeddings.word_embeddings)
        embeddings.word_embeddings = self.rows
        config: Any = encoder.config
        self.pad_id: int = config.pad_token_id

    def encode(self, ids_BL: torch.Tensor, rows_RD: torch.Tensor | None, dropout_seed: int | None = None) -> XlmrText:
        """Encodes prompts padded at the right with `pad_id`. `dropout_seed`: with dropout, drawn by it.

        Only the longest prompt's tokens and one pad are computed: pads are masked as keys and all have the same
        position, so that every pad has the state of the one computed, which is repeated up to P. Exact.
        """
        ids_BL = ids_BL.to(self.rows.weight.device)
        is_token_BL = ids_BL != self.pad_id
        kept = int(is_token_BL.sum(1).max())
        computed = min(kept + 1, PADDED_LENGTH)
        if ids_BL.shape[1] < computed:
            ids_BL = torch.nn.functional.pad(ids_BL, (0, computed - ids_BL.shape[1]), value=self.pad_id)
        ids_BL = ids_BL[:, :computed]
        with self.rows.using(rows_RD), self._dropout(dropout_seed):
            pooled_BE, states_BLD = self.encoder(input_ids=ids_BL, attention_mask=(ids_BL != self.pad_id).long())
        pads = PADDED_LENGTH - computed
        if pads > 0:
            states_BLD = torch.cat([states_BLD, states_BLD[:, -1:].expand(-1, pads, -1)], dim=1)
        return XlmrText(context_BPD=states_BLD.float(), pooled_BE=pooled_BE.float())

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
