"""A learnt embedding as a file: canonical safetensors, and files for diffusers.

Canonical: the rows of each text tower under its name ([num_vectors, width]) and metadata of text values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from murnau_worker.core.batch import Rows
from murnau_worker.core.errors import WorkerError
from murnau_worker.core.safetensors_bytes import read_safetensors, write_safetensors

Published = Literal["averaged", "last", "best"]

_PUBLISHED: Mapping[str, Published] = {"averaged": "averaged", "last": "last", "best": "best"}


@dataclass(frozen=True)
class LearntEmbedding:
    """A learnt word: its rows [num_vectors, width] by tower, and where they come from (empty: not known).

    `pooling`: how its family's text towers pool texts with it (empty: the usual way).
    """

    placeholder_token: str
    rows: Rows
    pooling: str = ""
    initializer_token: str = ""
    model_fingerprint: str = ""
    spec_json: str = ""
    step: int = 0
    published: Published | None = None  # which of a run's rows these are

    @property
    def num_vectors(self) -> int:
        return len(next(iter(self.rows.values())))


def write_embedding(embedding: LearntEmbedding) -> bytes:
    """The canonical file; equal embeddings give equal bytes."""
    metadata = {
        "format": "murnau.embedding.v1",
        "placeholder_token": embedding.placeholder_token,
        "initializer_token": embedding.initializer_token,
        "model_fingerprint": embedding.model_fingerprint,
        "pooling": embedding.pooling,
        "spec": embedding.spec_json,
        "step": str(embedding.step),
        **({"published": embedding.published} if embedding.published else {}),
        **{
            f"norm_{tower}": json.dumps([round(float(norm), 6) for norm in rows_RD.norm(dim=1)])
            for tower, rows_RD in embedding.rows.items()
        },
    }
    return write_safetensors({tower: rows_RD.float() for tower, rows_RD in embedding.rows.items()}, metadata)


def write_diffusers(embedding: LearntEmbedding, tower: str) -> bytes:
    """One tower's rows under the placeholder's name, as diffusers' loaders of textual inversion read them."""
    metadata = {
        "format": "pt",
        "tower": tower,
        "pooling": embedding.pooling,
        "model_fingerprint": embedding.model_fingerprint,
    }
    return write_safetensors({embedding.placeholder_token: embedding.rows[tower].float()}, metadata)


def unreadable(message: str) -> WorkerError:
    return WorkerError(
        "embedding.unreadable", message, field="file", allowed="safetensors, or one of the families' own formats"
    )


def read_canonical(content: bytes) -> LearntEmbedding:
    """Raises WorkerError `embedding.unreadable`."""
    try:
        tensors, metadata = read_safetensors(content)
    except (ValueError, KeyError) as error:
        raise unreadable(f"the file is no learnt embedding: {str(error)[:200]}") from error
    if "placeholder_token" not in metadata:
        holds = ", ".join(sorted(tensors)[:4])
        raise unreadable(
            f"the file's metadata names no placeholder_token (it holds: {holds}): it may be an export for diffusers, "
            "of one tower, or another program's file; neither can be imported"
        )
    try:
        embedding = LearntEmbedding(
            placeholder_token=metadata["placeholder_token"],
            rows={tower: rows_RD.float() for tower, rows_RD in sorted(tensors.items())},
            pooling=metadata.get("pooling", ""),
            initializer_token=metadata.get("initializer_token", ""),
            model_fingerprint=metadata.get("model_fingerprint", ""),
            spec_json=metadata.get("spec", ""),
            step=int(metadata.get("step", "0")),
            published=_PUBLISHED.get(metadata.get("published", "")),
        )
    except (ValueError, KeyError) as error:
        raise unreadable(f"the file is no learnt embedding: {str(error)[:200]}") from error
    return checked(embedding)


def checked(embedding: LearntEmbedding) -> LearntEmbedding:
    """Raises WorkerError `embedding.unreadable` for rows that can not be an embedding's."""
    rows = list(embedding.rows.values())
    counts = {len(rows_RD) if rows_RD.dim() == 2 else 0 for rows_RD in rows}
    if len(counts) != 1 or not 1 <= max(counts) <= 64 or not all(rows_RD.numel() for rows_RD in rows):
        shapes = " and ".join(str(tuple(rows_RD.shape)) for rows_RD in rows) or "none"
        raise unreadable(f"rows of shapes {shapes} are no embedding")
    if not all(bool(rows_RD.isfinite().all()) for rows_RD in rows):
        raise unreadable("the rows hold values that are no numbers")
    return embedding


def renamed(embedding: LearntEmbedding, placeholder_token: str) -> LearntEmbedding:
    """The same rows under another word."""
    return replace(embedding, placeholder_token=placeholder_token)


def check_fits(embedding: LearntEmbedding, widths: Mapping[str, int], field: str = "embeddings") -> None:
    """Raises WorkerError `embedding.wrong_model` where the towers or the widths of their rows are another model's."""
    own = {tower: rows_RD.shape[1] for tower, rows_RD in embedding.rows.items()}
    if own == widths:
        return
    if set(own) == set(widths):
        given, wanted = ([of[tower] for tower in widths] for of in (own, widths))
        message = f"has widths {_listed(given)}, the model {_listed(wanted)}"
    else:
        given, wanted = list(own), list(widths)
        message = f"has rows for {_listed(given)}, the model for {_listed(wanted)}"
    raise WorkerError(
        "embedding.wrong_model",
        f'the embedding of "{embedding.placeholder_token}" {message}',
        field=field,
        given=", ".join(map(str, given)),
        allowed=", ".join(map(str, wanted)),
    )


def _listed(values: Sequence[object]) -> str:
    return " and ".join(map(str, values))
