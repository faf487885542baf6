"""A safetensors writer whose bytes depend on its input only.

The library's own writer orders metadata keys by a hash map that differs between processes; same bytes are a promise
here. Reading is the library's. Format: https://github.com/huggingface/safetensors (8-byte length, JSON, data).
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from typing import cast

import safetensors
import torch
from safetensors.torch import load

_TYPE_NAMES = {torch.float32: "F32", torch.float64: "F64", torch.int64: "I64"}


def write_safetensors(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> bytes:
    """Serialises tensors and metadata, both in the order of their names."""
    header: dict[str, object] = {"__metadata__": {key: metadata[key] for key in sorted(metadata)}}
    chunks: list[bytes] = []
    offset = 0
    for name in sorted(tensors):
        tensor = tensors[name].detach().cpu().contiguous()
        content = tensor.numpy().tobytes()
        header[name] = {
            "dtype": _TYPE_NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [offset, offset + len(content)],
        }
        chunks.append(content)
        offset += len(content)
    text = json.dumps(header, separators=(",", ":"), ensure_ascii=True).encode()
    text += b" " * (-len(text) % 8)
    return struct.pack("<Q", len(text)) + text + b"".join(chunks)


def read_safetensors(content: bytes) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Tensors and metadata. Raises ValueError for what is no safetensors file."""
    try:
        tensors = load(content)
        (length,) = struct.unpack("<Q", content[:8])
        header = cast("dict[str, object]", json.loads(content[8 : 8 + length]))
    except (safetensors.SafetensorError, struct.error, ValueError, KeyError) as error:
        raise ValueError(f"no safetensors file: {error}") from error
    return tensors, cast("dict[str, str]", header.get("__metadata__") or {})
