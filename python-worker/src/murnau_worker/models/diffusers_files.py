"""Files of a part in diffusers' form: its configuration, and its weights in one file or in shards."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, cast

from safetensors.torch import load_file

from murnau_worker.models.safe_pickle import load_state_dict
from murnau_worker.models.state_dict import Tensors

# In order of preference: transformers' names, then diffusers'; fp16 variants where there is nothing else.
WEIGHT_FILES = tuple(
    f"{stem}{variant}.{suffix}"
    for variant in ("", ".fp16")
    for stem, suffix in (
        ("model", "safetensors"),
        ("diffusion_pytorch_model", "safetensors"),
        ("pytorch_model", "bin"),
        ("diffusion_pytorch_model", "bin"),
    )
)


_INDEX_FILES = ("model.safetensors.index.json", "diffusion_pytorch_model.safetensors.index.json")


def has_weights(folder: Path) -> bool:
    return any((folder / name).is_file() for name in (*WEIGHT_FILES, *_INDEX_FILES))


def read_json(path: Path) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(path.read_text("utf-8")))


def read_weights(folder: Path) -> Tensors:
    """A part's tensors as its files hold them: one file, or the shards of an index."""
    for name in _INDEX_FILES:
        if (folder / name).is_file():
            shards = sorted(set(read_json(folder / name)["weight_map"].values()))
            return {key: value for shard in shards for key, value in load_file(folder / shard).items()}
    name = next((name for name in WEIGHT_FILES if (folder / name).is_file()), None)
    if name is None:
        raise FileNotFoundError(f"there are no weights in {folder} any more")
    return load_file(folder / name) if name.endswith(".safetensors") else load_state_dict(folder / name, None)
