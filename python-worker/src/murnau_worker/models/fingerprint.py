"""What identifies a model's weights: embeddings and running trainings are bound to it.

Only what training reads counts: the judge does not, nor what the family leaves out. A converted folder
keeps the fingerprint of what it was converted from, as long as its own files are those that the conversion wrote.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Any, cast

CONVERTED_FILE = "converted-from.json"

_WEIGHT_SUFFIXES = {".safetensors", ".ckpt", ".pt", ".bin", ".th"}
_JUDGE = "judge"
_WORTH_REMEMBERING_BYTES = 64 * 1024 * 1024  # below that a file is hashed faster than anybody notices


def _digest(path: Path, cache: Path | None) -> bytes:
    """SHA-256 of a file; a large file's is remembered by path, size and time of change."""
    status = path.stat()
    note: Path | None = None
    if cache is not None and status.st_size >= _WORTH_REMEMBERING_BYTES:
        identity = f"{path.resolve()}\n{status.st_size}\n{status.st_mtime_ns}"
        note = cache / "digests" / hashlib.sha256(identity.encode()).hexdigest()
        if note.is_file():
            return bytes.fromhex(note.read_text("ascii"))
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").digest()
    if note is not None:
        note.parent.mkdir(parents=True, exist_ok=True)
        unfinished = note.with_suffix(f".{os.getpid()}")
        unfinished.write_text(digest.hex(), "ascii")
        unfinished.replace(note)
    return digest


def files_fingerprint(folder: Path, cache: Path | None = None, left_out: Sequence[str] = ()) -> str:
    """SHA-256 over the names and contents of the weight files that training reads, hex."""
    digest = hashlib.sha256()
    unread = {PurePosixPath(_JUDGE), *map(PurePosixPath, left_out)}
    for path in sorted(folder.rglob("*")):
        relative = path.relative_to(folder)
        is_left_out = not unread.isdisjoint([PurePosixPath(relative), *PurePosixPath(relative).parents])
        if path.suffix in _WEIGHT_SUFFIXES and path.is_file() and not is_left_out:
            digest.update(relative.as_posix().encode())
            digest.update(_digest(path, cache))
    return digest.hexdigest()


def fingerprint_of(folder: Path, cache: Path | None = None, left_out: Sequence[str] = ()) -> str:
    """The fingerprint of a model folder.

    `cache`: folder where digests of large files are remembered. `left_out`: files and folders of it, as POSIX paths,
    that training does not read.
    """
    own = files_fingerprint(folder, cache, left_out)
    try:
        noted = cast("dict[str, Any]", json.loads((folder / CONVERTED_FILE).read_text("utf-8")))
    except (OSError, ValueError):
        return own
    return str(noted["fingerprint"]) if noted.get("files") == own and noted.get("fingerprint") else own


def note_conversion(folder: Path, source_fingerprint: str, left_out: Sequence[str] = ()) -> None:
    """Says in a converted folder that it holds the same weights as its source, value for value."""
    note = {"fingerprint": source_fingerprint, "files": files_fingerprint(folder, None, left_out)}
    (folder / CONVERTED_FILE).write_text(json.dumps(note, indent=2) + "\n", "utf-8")
