"""The goldens' noise, token ids and latents in the form that drawing takes them from.

Legend: C latent channels, H/W latent cells, S steps, E joint width.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch

from murnau_worker.drawing.request import DrawHooks
from murnau_worker.families.goldens import SampledGoldens, Tensors
from murnau_worker.text.tokenizers import PieceTokenizer, Tokenizers
from murnau_worker.text.towers import Tower

PROMPT = "golden"  # stands for the goldens' prompt, of which only the token ids are known


@dataclass(frozen=True)
class GoldenNoise:
    """Gives every picture the noise that the original code drew. `starts`, `steps`: names of the entries."""

    goldens: SampledGoldens
    tensors: Tensors
    starts: str
    steps: str

    def normal(self, seed: int, purpose: str, step: int, number: int, shape: tuple[int, ...]) -> torch.Tensor:
        of_condition = self.goldens.condition_noise(self.tensors, purpose)
        if of_condition is not None:
            return of_condition
        return self.tensors[self.starts][0] if purpose == "start" else self.tensors[self.steps][step, 0]


@dataclass(frozen=True)
class _Tokenized:
    input_ids: list[int]


class _KnownPrompt:
    """Stands for a tokenizer that knows one prompt, by its row of ids [start ... end, pads]."""

    def __init__(self, row: Sequence[int], length: int) -> None:
        self._start, *self._ids, self._end = row[:length]

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> _Tokenized:
        if text not in ("", PROMPT):
            raise ValueError(f'only "{PROMPT}" and the empty prompt have ids in a golden folder, not "{text}"')
        ids = self._ids if text else []
        return _Tokenized([self._start, *ids, self._end] if add_special_tokens else ids)

    def get_vocab(self) -> dict[str, int]:
        return {}


def golden_tokenizers(tensors: Tensors, towers: Sequence[Tower]) -> Tokenizers:
    """Tokenizers that turn PROMPT into the goldens' ids."""

    def tokenizer(tower: Tower) -> PieceTokenizer:
        row = tensors[f"sample.{tower.name}_ids"][0]
        known: Any = _KnownPrompt(row.tolist(), int(tensors[f"sample.{tower.name}_mask"][0].sum()))
        return PieceTokenizer(known, tower=tower, context_length=len(row))

    return {tower.name: tokenizer(tower) for tower in towers}


def golden_hooks(
    tensors: Tensors, goldens: SampledGoldens, towers: Sequence[Tower], *, with_picture: bool = True
) -> DrawHooks:
    """Hooks under which PROMPT gives the goldens' pictures, whatever the seed.

    `with_picture`: the goldens' latents stand for any picture that is drawn upon.
    """
    sample = GoldenNoise(goldens, tensors, "sample.x_T", "sample.p_step_noise")
    hooks = DrawHooks(
        noise={
            "text2img": sample,
            "inpaint": GoldenNoise(goldens, tensors, "sample.x_T", "inpaint.p_step_noise"),
            "img2img": GoldenNoise(goldens, tensors, "img2img.noise", "sample.p_step_noise"),
        },
        tokenizers=golden_tokenizers(tensors, towers),
    )
    return replace(hooks, picture_latents=tensors["inpaint.init_latents"]) if with_picture else hooks
