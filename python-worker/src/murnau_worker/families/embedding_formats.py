"""The forms of learnt embeddings as files: safetensors, and those of the families. Loads no torch."""

from __future__ import annotations

from pathlib import Path

from murnau_worker.families.description import EmbeddingFormat
from murnau_worker.families.registry import descriptions

CANONICAL = "safetensors"  # name and suffix
LARGEST_FILE_BYTES = 4 * 1024 * 1024


def _of_families() -> list[EmbeddingFormat]:
    return [form for family in descriptions() for form in family.embedding_formats]


def format_names(*, only_read: bool = False) -> tuple[str, ...]:
    """Of all forms, or of those that can be imported."""
    names = [form.name for form in _of_families() if form.is_read or not only_read]
    return tuple(dict.fromkeys([CANONICAL, *names]))


def format_suffixes() -> tuple[str, ...]:
    """What the names of files of all forms end in."""
    return tuple(dict.fromkeys([f".{CANONICAL}", *(f".{form.suffix}" for form in _of_families())]))


def format_of_file(path: Path) -> str | None:
    """The name of a form by a file's name; None where no form has such a suffix."""
    forms = {CANONICAL: CANONICAL} | {form.suffix: form.name for form in _of_families()}
    longest_first = sorted(forms, key=len, reverse=True)
    return next((forms[suffix] for suffix in longest_first if path.name.endswith(f".{suffix}")), None)
