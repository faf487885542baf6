"""The prior's forward pass, trimmed and with its text computed once per sampling.

It uses the weights of diffusers' PriorTransformer and gives the same outputs: the text comes first in a causal
sequence, so its keys and values depend neither on the noised embedding nor on the timestep, and only three tokens
(time, noised embedding, prediction) are computed per sampling step. Pads are masked there, so they are left out.

Legend: B batch, L text tokens, T = L + 1 keys of the text (the pooled text's first), H heads, K head width,
W transformer width, E width of an image embedding.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F

from murnau_worker.models.checkpointing import BlockCheckpointing
from murnau_worker.models.clip_text import ClipText

_TAIL_TOKENS = 3  # time, noised embedding, prediction


@dataclass(frozen=True)
class _Block:
    qkv_weight: torch.Tensor
    qkv_bias: torch.Tensor
    out_weight: torch.Tensor
    out_bias: torch.Tensor
    norm1: tuple[torch.Tensor, torch.Tensor, float]
    norm3: tuple[torch.Tensor, torch.Tensor, float]
    up: tuple[torch.Tensor, torch.Tensor]
    down: tuple[torch.Tensor, torch.Tensor]


@dataclass(frozen=True)
class TextKeys:
    """Keys and values of a text, per layer [B, H, T, K], and what is added to its logits [B, 1, 1, T]."""

    keys: tuple[torch.Tensor, ...]
    values: tuple[torch.Tensor, ...]
    bias_B11T: torch.Tensor

    def padded(self, length: int) -> TextKeys:
        """The same text with masked keys up to `length`."""
        missing = length - self.bias_B11T.shape[-1]
        if missing <= 0:
            return self
        return TextKeys(
            keys=tuple(F.pad(key, (0, 0, 0, missing)) for key in self.keys),
            values=tuple(F.pad(value, (0, 0, 0, missing)) for value in self.values),
            bias_B11T=F.pad(self.bias_B11T, (0, missing), value=-math.inf),
        )

    def expanded(self, batch: int) -> TextKeys:
        """One text for a whole batch."""
        return TextKeys(
            keys=tuple(key.expand(batch, -1, -1, -1) for key in self.keys),
            values=tuple(value.expand(batch, -1, -1, -1) for value in self.values),
            bias_B11T=self.bias_B11T.expand(batch, -1, -1, -1),
        )


def join_texts(first: TextKeys, second: TextKeys) -> TextKeys:
    """One batch of both texts, the first's rows first."""
    length = max(first.bias_B11T.shape[-1], second.bias_B11T.shape[-1])
    first, second = first.padded(length), second.padded(length)
    return TextKeys(
        keys=tuple(torch.cat(pair) for pair in zip(first.keys, second.keys, strict=True)),
        values=tuple(torch.cat(pair) for pair in zip(first.values, second.values, strict=True)),
        bias_B11T=torch.cat([first.bias_B11T, second.bias_B11T]),
    )


class PriorNetwork:
    """Predicts the clean image embedding from a noised one, a timestep and a text.

    It computes in the weights' dtype on their device; what it is given may lie anywhere, and what it predicts is fp32.
    """

    def __init__(self, prior: Any, checkpointing: BlockCheckpointing | None = None) -> None:
        """`prior`: a PriorTransformer (diffusers types its parts as any module, so it is not named here).

        `checkpointing`: whether its blocks are computed again in a backward pass; None: never.
        """
        self.prior = prior
        self._run: Callable[..., Any] = checkpointing.run if checkpointing else _run_plainly
        self.heads = int(prior.config.num_attention_heads)
        self.embedding_width = int(prior.proj_to_clip_embeddings.weight.shape[0])
        self._blocks = tuple(_read_block(block) for block in prior.transformer_blocks)
        self._time_tokens: dict[int, torch.Tensor] = {}
        self.dtype: torch.dtype = prior.positional_embedding.dtype
        self.device: torch.device = prior.positional_embedding.device
        tail = torch.full((_TAIL_TOKENS, _TAIL_TOKENS), -math.inf, device=self.device).triu(1)
        self._tail_bias = tail[None, None]

    def _tail_position(self, index: int) -> torch.Tensor:
        """Positions of pooled text (0), time (1), noised embedding (2) and prediction (3), as [1, 1, W]."""
        return self.prior.positional_embedding[:, -4 + index :][:, :1]

    def encode_text(self, text: ClipText) -> TextKeys:
        """Computes the keys and values that a text offers in every layer."""
        prior = self.prior
        batch, length = text.mask_BL.shape
        sequence_BLW = prior.encoder_hidden_states_proj(self._own(text.sequence_BLD))
        sequence_BLW = sequence_BLW + prior.positional_embedding[:, :length]
        pooled_B1W = prior.embedding_proj(self._own(text.pooled_BE))[:, None] + self._tail_position(0)
        hidden_BTW = torch.cat([pooled_B1W, sequence_BLW], dim=1)
        bias_B11T, bias_B1TT = self._text_biases(text.mask_BL.to(self.device))
        keys: list[torch.Tensor] = []
        values: list[torch.Tensor] = []
        for index, block in enumerate(self._blocks):
            is_last = index == len(self._blocks) - 1  # its outputs of the text are read by nobody
            key, value, hidden_BTW = self._run(self._text_block, block, hidden_BTW, bias_B1TT, is_last)
            keys.append(key)
            values.append(value)
        assert len(keys[0]) == batch
        return TextKeys(tuple(keys), tuple(values), bias_B11T)

    def _text_block(
        self, block: _Block, hidden_BTW: torch.Tensor, bias_B1TT: torch.Tensor, is_last: bool
    ) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The block's keys and values of a text, and its outputs: of the last one its inputs."""
        query, key, value = self._project(block, hidden_BTW)
        if is_last:
            return key, value, hidden_BTW
        return key, value, self._finish(block, hidden_BTW, _attend(query, key, value, bias_B1TT))

    def _text_biases(self, mask_BL: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Biases of the text's keys: for the tail [B, 1, 1, T], and among the text itself [B, 1, T, T].

        The pooled text follows the text in the sequence, so it sees all of it, and of the text none sees it.
        """
        batch, length = mask_BL.shape
        zero = torch.zeros(batch, 1, device=mask_BL.device)
        bias_BT = torch.cat([zero, zero.expand(-1, length).masked_fill(~mask_BL, -math.inf)], dim=1)
        order = torch.full((length + 1, length + 1), -math.inf, device=mask_BL.device).triu(1)
        order[0, :] = 0.0
        order[1:, 0] = -math.inf
        return bias_BT[:, None, None], bias_BT[:, None, None] + order

    def normalise(self, image_BE: torch.Tensor) -> torch.Tensor:
        """Image embeddings of CLIP's space by the prior's statistics, in fp32."""
        return (image_BE - self.prior.clip_mean.float()) / self.prior.clip_std.float()

    def predict(self, noised_BE: torch.Tensor, timestep: int | Sequence[int], text: TextKeys) -> torch.Tensor:
        """Predicts clean embeddings [B, E] (normalised by the statistics) at one timestep 0..999, or at one of each."""
        prior = self.prior
        batch = len(noised_BE)
        noised_B1W = prior.proj_in(self._own(noised_BE))[:, None] + self._tail_position(2)
        of_each = [timestep] if isinstance(timestep, int) else timestep
        time_B1W = torch.cat([self._time_token(step) for step in of_each])
        last_11W = prior.prd_embedding + self._tail_position(3)
        hidden = torch.cat([time_B1W.expand(batch, -1, -1), noised_B1W, last_11W.expand(batch, -1, -1)], dim=1)
        bias = torch.cat(
            [
                text.bias_B11T.expand(-1, -1, _TAIL_TOKENS, -1),
                self._tail_bias.expand(batch, -1, -1, -1),
            ],
            dim=-1,
        )
        for block, text_key, text_value in zip(self._blocks, text.keys, text.values, strict=True):
            hidden = self._run(self._tail_block, block, hidden, text_key, text_value, bias)
        return prior.proj_to_clip_embeddings(prior.norm_out(hidden[:, -1])).float()

    def _tail_block(
        self,
        block: _Block,
        hidden: torch.Tensor,
        text_key: torch.Tensor,
        text_value: torch.Tensor,
        bias: torch.Tensor,
    ) -> torch.Tensor:
        query, key, value = self._project(block, hidden)
        attended = _attend(query, torch.cat([text_key, key], 2), torch.cat([text_value, value], 2), bias)
        return self._finish(block, hidden, attended)

    def _own(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(self.device, self.dtype)

    def _time_token(self, timestep: int) -> torch.Tensor:
        """Time token with its position [1, 1, W]; constant per timestep, so kept."""
        known = self._time_tokens.get(timestep)
        if known is None:
            prior = self.prior
            with torch.inference_mode(False), torch.no_grad():
                step = torch.tensor([timestep], device=prior.positional_embedding.device)
                projected = prior.time_proj(step).to(prior.positional_embedding.dtype)
                known = prior.time_embedding(projected)[:, None] + self._tail_position(1)
            self._time_tokens[timestep] = known
        return known

    def _project(self, block: _Block, hidden: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        weight, bias, eps = block.norm1
        normed = F.layer_norm(hidden, weight.shape, weight, bias, eps)
        batch, tokens, width = hidden.shape
        qkv = F.linear(normed, block.qkv_weight, block.qkv_bias)
        query, key, value = qkv.view(batch, tokens, 3, self.heads, width // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        return query, key, value

    def _finish(self, block: _Block, hidden: torch.Tensor, attended: torch.Tensor) -> torch.Tensor:
        batch, _, tokens, _ = attended.shape
        merged = attended.transpose(1, 2).reshape(batch, tokens, -1)
        hidden = hidden + F.linear(merged, block.out_weight, block.out_bias)
        weight, bias, eps = block.norm3
        normed = F.layer_norm(hidden, weight.shape, weight, bias, eps)
        return hidden + F.linear(F.gelu(F.linear(normed, *block.up)), *block.down)


def _run_plainly(block: Callable[..., Any], *args: Any) -> Any:
    return block(*args)


def _attend(query: torch.Tensor, key: torch.Tensor, value: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Plain attention with its softmax in fp32: at these lengths its backward is faster than the fused kernel's."""
    scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5 + bias
    return scores.softmax(-1).to(value.dtype) @ value


def _read_block(block: Any) -> _Block:
    """A block's tensors. The three projections are joined, and the module's own become views: none is held twice."""
    attention, feed_forward = block.attn1, block.ff.net
    projections = (attention.to_q, attention.to_k, attention.to_v)
    qkv_weight = torch.cat([layer.weight for layer in projections]).detach()
    for layer, weight in zip(projections, qkv_weight.chunk(len(projections)), strict=True):
        layer.weight.data = weight
    return _Block(
        qkv_weight=qkv_weight,
        qkv_bias=torch.cat([layer.bias for layer in projections]).detach(),
        out_weight=attention.to_out[0].weight,
        out_bias=attention.to_out[0].bias,
        norm1=(block.norm1.weight, block.norm1.bias, block.norm1.eps),
        norm3=(block.norm3.weight, block.norm3.bias, block.norm3.eps),
        up=(feed_forward[0].proj.weight, feed_forward[0].proj.bias),
        down=(feed_forward[2].weight, feed_forward[2].bias),
    )
