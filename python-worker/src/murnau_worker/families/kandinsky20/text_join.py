"""How two texts become what the UNet is given: one context of both, and one vector beside the time's embedding.

Source: ai-forever/Kandinsky-2 `kandinsky2/model/text2im_model.py` (`get_text_emb`), `text_encoders.py`
(`AttentionPooling`). Legend: B batch, L/M tokens of the first and second text, D/F widths of their states, E width of
the first's pooled text, C width of the context, T width of the time's embedding.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from diffusers import ConfigMixin, ModelMixin
from diffusers.configuration_utils import register_to_config
from torch import nn

POOLING_HEADS = 8


class FirstTokenPooling(nn.Module):
    """Attention of a sequence over itself, of which only the first token's output is read."""

    def __init__(self, width: int, out_width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width)
        self.value = nn.Linear(width, width)
        self.out = nn.Linear(width, out_width)

    def forward(self, states_BMF: torch.Tensor) -> torch.Tensor:
        """[B, M, F] → [B, out_width]."""

        def by_head(projected: torch.Tensor) -> torch.Tensor:
            return projected.unflatten(2, (self.heads, -1)).transpose(1, 2)

        query, key, value = self.query(states_BMF[:, :1]), self.key(states_BMF), self.value(states_BMF)
        attended = F.scaled_dot_product_attention(by_head(query), by_head(key), by_head(value))
        return self.out(attended.transpose(1, 2).flatten(2))[:, 0]


class TextJoin(ModelMixin, ConfigMixin):
    """Its configuration is its widths."""

    @register_to_config
    def __init__(
        self,
        first_width: int,
        pooled_width: int,
        second_width: int,
        context_width: int,
        time_width: int,
        pooling_heads: int = POOLING_HEADS,
    ) -> None:
        super().__init__()
        self.first_context = nn.Linear(first_width, context_width)
        self.second_context = nn.Linear(second_width, context_width)
        self.context_norm = nn.LayerNorm(context_width)
        self.first_pooled = nn.Linear(pooled_width, time_width)
        self.first_norm = nn.LayerNorm(time_width)
        self.second_pooled = FirstTokenPooling(second_width, time_width, pooling_heads)
        self.second_norm = nn.LayerNorm(time_width)

    def forward(
        self, first_BLD: torch.Tensor, first_pooled_BE: torch.Tensor, second_BMF: torch.Tensor
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Context [B, L + M, C] and vector [B, T]."""
        joined = torch.cat([self.first_context(first_BLD), self.second_context(second_BMF)], dim=1)
        first, second = self.first_pooled(first_pooled_BE), self.second_pooled(second_BMF)
        return self.context_norm(joined), self.first_norm(first) + self.second_norm(second)
