"""CLIP's text tower, trimmed to what is read of it, with learnt rows.

Legend: B batch, L tokens kept, D tower width, E width of CLIP's joint space, R rows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from transformers import CLIPTextModelWithProjection

from murnau_worker.core.learnt_rows import LearntRows


@dataclass(frozen=True)
class ClipText:
    """What the prior reads, in fp32: sequence [B, L, D], pooled text [B, E], mask [B, L] (true where a token is)."""

    sequence_BLD: torch.Tensor
    pooled_BE: torch.Tensor
    mask_BL: torch.Tensor


class ClipTextTower:
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
        pooling: str | Sequence[str],
    ) -> ClipText:
        """Encodes prompts padded at the right.

        `pooling`, of all prompts or of each: "argmax" reads the pooled feature at the largest id, anything else at the
        last token. With a learnt token, which lies past the vocabulary, the largest id is the placeholder (what the
        reference training script does).
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
        return ClipText(sequence_BLD=states_BLD.float(), pooled_BE=pooled_BE.float(), mask_BL=mask_BL)
