"""Learnt embeddings as files of any known form: safetensors, and the forms of the families."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from murnau_worker.core.embedding_formats import LARGEST_FILE_BYTES
from murnau_worker.families.family import EmbeddingFile
from murnau_worker.families.layouts import families
from murnau_worker.text.embedding_file import LearntEmbedding, read_canonical, unreadable, write_embedding

Writer = Callable[[LearntEmbedding], bytes]


def _files() -> list[EmbeddingFile]:
    return [file for family in families() for file in family.embedding_files]


def read_embedding(content: bytes, file_format: str | None = None) -> LearntEmbedding:
    """Reads a form by its name; without one it is recognised by looking. Raises WorkerError `embedding.unreadable`."""
    if len(content) > LARGEST_FILE_BYTES:
        raise unreadable(f"the file has {len(content)} bytes: a whole-table dump is no learnt embedding")
    for file in _files():
        if file_format == file.name or (file_format is None and file.is_here(content)):
            return file.read(content)
    return read_canonical(content)


def writers_by_name() -> Mapping[str, Writer]:
    return {"safetensors": write_embedding, **{file.name: file.write for file in _files()}}


def writers_by_suffix() -> Mapping[str, Writer]:
    return {".safetensors": write_embedding, **{file.suffix: file.write for file in _files()}}
