"""The reference training script's file of a learnt embedding.

A pickle `{'t1': {placeholder: row}, 't2': {placeholder: row}}`; a pickle that wants more than tensors is refused.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any, cast

import torch

from murnau_worker.core.errors import WorkerError
from murnau_worker.text.embedding_file import LearntEmbedding, checked, unreadable


def write_reference_bin(embedding: LearntEmbedding) -> bytes:
    """The reference's file; it has room for one row per tower."""
    if embedding.num_vectors != 1:
        raise WorkerError(
            "embedding.unreadable",
            f'"{embedding.placeholder_token}" has {embedding.num_vectors} vectors, and the reference\'s .bin has room '
            "for one per tower: export it as safetensors or for diffusers",
            field="to_format",
            given="bin",
            allowed="safetensors, diffusers_t1, diffusers_t2",
        )
    word = embedding.placeholder_token
    content = {tower: {word: rows_RD[0].clone()} for tower, rows_RD in embedding.rows.items()}
    buffer = io.BytesIO()
    torch.save(content, buffer)
    return buffer.getvalue()


def read_reference_bin(content: bytes) -> LearntEmbedding:
    """Reads the reference's `.bin`, whose pooling is `argmax`. Raises WorkerError `embedding.unreadable`."""
    try:
        loaded = torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)
    except Exception as error:  # a damaged pickle raises almost anything
        raise unreadable("the file is no pickle of plain tensors, and nothing else is read") from error
    towers: list[tuple[str, torch.Tensor]] = []
    for tower in ("t1", "t2"):
        rows = cast("dict[str, Any]", loaded).get(tower) if isinstance(loaded, Mapping) else None
        if not isinstance(rows, Mapping) or len(cast("dict[str, Any]", rows)) != 1:
            raise unreadable(f"the file does not hold one learnt word in {tower}")
        ((word, row),) = cast("dict[str, Any]", rows).items()
        if not isinstance(row, torch.Tensor) or row.dim() not in (1, 2) or row.numel() == 0:
            raise unreadable(f"{tower} holds no row")
        towers.append((str(word), row.detach().float().reshape(-1, row.shape[-1])))
    (word, t1_RD), (other, t2_RD) = towers
    if word != other:
        raise unreadable(f'the towers hold different words ("{word}" and "{other}")')
    return checked(LearntEmbedding(word, {"t1": t1_RD, "t2": t2_RD}, pooling="argmax"))


def is_pickle(content: bytes) -> bool:
    """By its first bytes: of a zip archive, or of a pickle of protocol 2."""
    return content[:2] in (b"PK", b"\x80\x02")
