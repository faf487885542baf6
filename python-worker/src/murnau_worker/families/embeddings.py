"""Learnt embeddings as files of any known form: safetensors, and the forms of the families."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from murnau_worker.core.errors import WorkerError
from murnau_worker.families.description import EmbeddingFormat
from murnau_worker.families.embedding_formats import CANONICAL, LARGEST_FILE_BYTES
from murnau_worker.families.family import EmbeddingFile, Family
from murnau_worker.families.layouts import families
from murnau_worker.text.embedding_file import LearntEmbedding, read_canonical, unreadable, write_embedding


def _files() -> Iterator[tuple[Family, EmbeddingFormat, EmbeddingFile]]:
    for family in families():
        for form in family.description.embedding_formats:
            yield family, form, family.embedding_files[form.name]


def read_embedding(content: bytes, file_format: str | None = None) -> LearntEmbedding:
    """Reads a form by its name; without one it is recognised by looking. Raises WorkerError `embedding.unreadable`."""
    if len(content) > LARGEST_FILE_BYTES:
        raise unreadable(f"the file has {len(content)} bytes: a whole-table dump is no learnt embedding")
    try:
        return _reader_of(content, file_format)(content)
    except WorkerError:
        raise
    except Exception as error:  # a damaged file raises almost anything
        raise unreadable(f"the file is no learnt embedding: {(str(error) or type(error).__name__)[:200]}") from error


def _reader_of(content: bytes, file_format: str | None) -> Callable[[bytes], LearntEmbedding]:
    for _, form, file in _files():
        if file.read is None or file.is_here is None:
            continue
        if file_format == form.name or (file_format is None and file.is_here(content)):
            return file.read
    return read_canonical


def write_as(embedding: LearntEmbedding, file_format: str, family: str = "") -> bytes:
    """An embedding in a form by its name. `family`: of its model; where it is not known, any that has its towers.

    Raises WorkerError `spec.invalid` where its family has no such form.
    """
    if file_format == CANONICAL:
        return write_embedding(embedding)
    own = [
        (form, file)
        for of, form, file in _files()
        if set(of.description.tower_names) == set(embedding.rows) and family in ("", of.description.name)
    ]
    for form, file in own:
        if form.name == file_format:
            return file.write(embedding)
    raise WorkerError(
        "spec.invalid",
        f"an embedding {f'of {family} ' if family else ''}with rows for {' and '.join(embedding.rows)} has no form "
        f'"{file_format}"',
        field="to_format",
        given=file_format,
        allowed=", ".join([CANONICAL, *(form.name for form, _ in own)]),
    )
