"""mT5's encoder with learnt rows.

Legend: B batch, L tokens given, P padded length (77), D width of a row, R rows.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from transformers import MT5Config, MT5EncoderModel

from murnau_worker.core.learnt_rows import LearntRows
from murnau_worker.models.state_dict import Tensors, empty_model, load_strictly
from murnau_worker.models.xlmr_text import PADDED_LENGTH

# Its feed-forward sums pass fp16's largest number: transformers keeps these weights in fp32 too.
_WIDE = ".wo.weight"
_TABLE, _SAME_TABLE = "shared.weight", "encoder.embed_tokens.weight"


def build_mt5(config: Mapping[str, Any], tensors: Tensors) -> MT5EncoderModel:
    """Builds the encoder from its own `config.json`; a decoder's tensors are left out."""
    own = {name: value for name, value in tensors.items() if name == _TABLE or name.startswith("encoder.")}
    if own[_TABLE].dtype == torch.float16:
        own = {name: value.float() if name.endswith(_WIDE) else value for name, value in own.items()}
    with empty_model():
        model = MT5EncoderModel(MT5Config.from_dict(dict(config)))
    load_strictly(model, {**own, _SAME_TABLE: own[_TABLE]})
    model.encoder.embed_tokens = model.shared
    return model


class Mt5Tower:
    """mT5's encoder. `pad_id`: of the tokens after a prompt's end."""

    def __init__(self, encoder: MT5EncoderModel) -> None:
        self.encoder = encoder
        loose: Any = encoder
        self.rows = LearntRows(loose.shared)
        loose.shared = self.rows
        loose.encoder.embed_tokens = self.rows
        self.pad_id: int = loose.config.pad_token_id

    def encode(self, ids_BL: torch.Tensor, mask_BL: torch.Tensor, rows_RD: torch.Tensor | None) -> torch.Tensor:
        """States [B, P, D] in fp32 of prompts padded at the right.

        Pads are masked as keys, but each has a state of its own, since positions are relative: none is left out.
        """
        device, pads = self.rows.weight.device, (0, PADDED_LENGTH - ids_BL.shape[1])
        ids_BP = torch.nn.functional.pad(ids_BL.to(device), pads, value=self.pad_id)
        mask_BP = torch.nn.functional.pad(mask_BL.long().to(device), pads)
        with self.rows.using(rows_RD):
            return self.encoder(input_ids=ids_BP, attention_mask=mask_BP).last_hidden_state.float()
