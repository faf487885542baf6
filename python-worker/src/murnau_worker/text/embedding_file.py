"""A learnt embedding as a file: canonical safetensors, and files for diffusers.

Canonical: `t1` and `t2` ([num_vectors, width]) and metadata of text values.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal

import torch

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.safetensors_bytes import read_safetensors, write_safetensors
from murnau_worker.core.spec import Pooling

Published = Literal["averaged", "last", "best"]

_PUBLISHED: Mapping[str, Published] = {"averaged": "averaged", "last": "last", "best": "best"}


@dataclass(frozen=True)
class LearntEmbedding:
    """A learnt word: rows of both towers [num_vectors, width], and where they come from (empty: not known)."""

    placeholder_token: str
    t1_RD: torch.Tensor
    t2_RD: torch.Tensor
    pooling: Pooling = "eot"
    initializer_token: str = ""
    model_fingerprint: str = ""
    spec_json: str = ""
    step: int = 0
    published: Published | None = None  # which of a run's rows these are

    @property
    def num_vectors(self) -> int:
        return len(self.t1_RD)


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
        "norm_t1": json.dumps([round(float(norm), 6) for norm in embedding.t1_RD.norm(dim=1)]),
        "norm_t2": json.dumps([round(float(norm), 6) for norm in embedding.t2_RD.norm(dim=1)]),
    }
    return write_safetensors({"t1": embedding.t1_RD.float(), "t2": embedding.t2_RD.float()}, metadata)


def write_diffusers(embedding: LearntEmbedding, tower: Literal["t1", "t2"]) -> bytes:
    """One tower's rows under the placeholder's name, as diffusers' loaders of textual inversion read them."""
    rows_RD = embedding.t1_RD if tower == "t1" else embedding.t2_RD
    metadata = {
        "format": "pt",
        "tower": tower,
        "pooling": embedding.pooling,
        "model_fingerprint": embedding.model_fingerprint,
    }
    return write_safetensors({embedding.placeholder_token: rows_RD.float()}, metadata)


def unreadable(message: str) -> WorkerError:
    return WorkerError("embedding.unreadable", message, field="file", allowed="safetensors or the reference's .bin")


def read_canonical(content: bytes) -> LearntEmbedding:
    """Raises WorkerError `embedding.unreadable`."""
    try:
        tensors, metadata = read_safetensors(content)
        embedding = LearntEmbedding(
            placeholder_token=metadata["placeholder_token"],
            t1_RD=tensors["t1"].float(),
            t2_RD=tensors["t2"].float(),
            pooling="argmax" if metadata.get("pooling") == "argmax" else "eot",
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
    t1, t2 = embedding.t1_RD, embedding.t2_RD
    if t1.dim() != 2 or t2.dim() != 2 or len(t1) != len(t2) or not 1 <= len(t1) <= 64:
        raise unreadable(f"rows of shapes {tuple(t1.shape)} and {tuple(t2.shape)} are no embedding")
    if not bool(t1.isfinite().all() and t2.isfinite().all()):
        raise unreadable("the rows hold values that are no numbers")
    return embedding


def renamed(embedding: LearntEmbedding, placeholder_token: str) -> LearntEmbedding:
    """The same rows under another word."""
    return replace(embedding, placeholder_token=placeholder_token)


def check_fits(embedding: LearntEmbedding, width_t1: int, width_t2: int, field: str = "embeddings") -> None:
    """Raises WorkerError `embedding.wrong_model` where the widths are another model's."""
    widths = (embedding.t1_RD.shape[1], embedding.t2_RD.shape[1])
    if widths != (width_t1, width_t2):
        raise WorkerError(
            "embedding.wrong_model",
            f'the embedding of "{embedding.placeholder_token}" has widths {widths[0]} and {widths[1]}, '
            f"the model {width_t1} and {width_t2}",
            field=field,
            given=f"{widths[0]}, {widths[1]}",
            allowed=f"{width_t1}, {width_t2}",
        )
