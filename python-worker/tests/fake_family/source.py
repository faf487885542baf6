"""A Pebble's folder: `pebble.safetensors` and a list of words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from safetensors.torch import load_file, save_file
from torch import nn

from murnau_worker.core.learnt_rows import LearntRows
from murnau_worker.models.parts import ModelShape, PartSource

WORDS = ("pebble", "stone", "river", "photo", "painting", "red", "green", "blue")
WIDTH = 8
_START = "\u2581"  # of a word
_END_ID, _UNKNOWN_ID = 0, 1
_WEIGHTS = "pebble.safetensors"


@dataclass(frozen=True)
class _Tokenized:
    input_ids: list[int]


class WordTokenizer:
    """Knows whole words only, in the form in which transformers' tokenizers are asked."""

    unk_token_id = _UNKNOWN_ID

    def __init__(self) -> None:
        self._tokens = ["</s>", "<unk>", *(_START + word for word in WORDS)]

    def __call__(self, text: str, *, add_special_tokens: bool = True) -> _Tokenized:
        known = {token: index for index, token in enumerate(self._tokens)}
        ids = [known.get(_START + word, _UNKNOWN_ID) for word in text.lower().split()]
        return _Tokenized([*ids, _END_ID] if add_special_tokens else ids)

    def get_vocab(self) -> dict[str, int]:
        return {token: index for index, token in enumerate(self._tokens)}

    def convert_ids_to_tokens(self, ids: int | Sequence[int]) -> Any:
        return self._tokens[ids] if isinstance(ids, int) else [self._tokens[index] for index in ids]

    def decode(self, ids: Sequence[int]) -> str:
        return "".join(self._tokens[index] for index in ids).replace(_START, " ")


class Reader(nn.Module):
    """The mean of a text's rows."""

    def __init__(self) -> None:
        super().__init__()
        self.rows: Any = nn.Embedding(len(WORDS) + 2, WIDTH)

    def forward(self, ids_NL: torch.Tensor, mask_NL: torch.Tensor) -> torch.Tensor:
        mask_NL1 = mask_NL[..., None].float()
        return (self.rows(ids_NL) * mask_NL1).sum(1) / mask_NL1.sum(1)


class ReaderTower:
    """The reader with learnt rows."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.rows = LearntRows(reader.rows)
        reader.rows = self.rows


class Codec(nn.Module):
    """Latents are pictures of half the size."""

    def encode(self, pixels_NCHW: torch.Tensor) -> torch.Tensor:
        return F.avg_pool2d(pixels_NCHW, 2)

    def decode(self, latents_NCHW: torch.Tensor) -> torch.Tensor:
        return F.interpolate(latents_NCHW, scale_factor=2)


_MODULES: Mapping[str, Any] = {"reader": Reader, "painter": lambda: nn.Linear(WIDTH, 3), "codec": Codec}


class PebbleSource:
    """Implements PartSource."""

    layout = "pebble"
    optional_places: Mapping[str, str] = {}
    parts = tuple(_MODULES)

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def read_shape(self) -> ModelShape:
        return ModelShape(sample_size=8, latent_factor=2, latent_multiple=2, widths={"words": WIDTH}, contexts={})

    def read(self, part: str, dtype: torch.dtype | None) -> nn.Module:
        module: nn.Module = _MODULES[part]()
        stored = load_file(self.folder / _WEIGHTS)
        prefix = f"{part}."
        own = {name.removeprefix(prefix): value for name, value in stored.items() if name.startswith(prefix)}
        module.load_state_dict(own)
        return module if dtype is None else module.to(dtype)

    def read_tokenizer(self, tower: str) -> Any:
        return WordTokenizer()


def is_pebble(folder: Path) -> bool:
    return (folder / _WEIGHTS).is_file()


def read_pebble(folder: Path) -> PartSource:
    return PebbleSource(folder)


def write_pebble(folder: Path) -> None:
    """A folder with random weights."""
    torch.manual_seed(3)
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {
        f"{part}.{name}": value for part, make in _MODULES.items() for name, value in make().state_dict().items()
    }
    save_file(tensors, folder / _WEIGHTS)
    (folder / "murnau.yaml").write_text("num_steps: 4\nguidance_scale: 1.0\n")
