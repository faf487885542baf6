"""The worker's copies of pictures and states: on a full disk, and after a worker that was killed."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from murnau_worker.core.errors import WorkerError
from murnau_worker.rpc.blob_cache import BlobCache


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


def test_a_full_disk_is_said_and_over_when_there_is_room(folder: Path) -> None:
    cache = BlobCache()
    content = b"a picture" * 10_000
    [own] = folder.iterdir()
    (own / hash_of(content)).symlink_to("/dev/full")  # the kernel refuses each write with ENOSPC
    with pytest.raises(WorkerError, match="no space is left") as refused:
        cache.put(hash_of(content), content)
    assert refused.value.code == "storage.full"
    assert str(own) in refused.value.message
    assert cache.missing([hash_of(content)]) == [hash_of(content)]
    assert list(own.iterdir()) == []
    cache.put(hash_of(content), content)
    assert cache.get(hash_of(content)) == content


def test_what_a_killed_worker_left_is_removed_and_nothing_else(folder: Path) -> None:
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    kept = [f"murnau-blobs-{os.getppid()}-x", "murnau-blobs-of-mine", "other"]
    for name in (f"murnau-blobs-{gone.pid}-x", *kept):
        (folder / name).mkdir()
        (folder / name / "blob").write_bytes(b"")
    cache = BlobCache()
    left = {path.name for path in folder.iterdir()}
    assert left >= set(kept)
    assert len(left) == len(kept) + 1
    cache.close()
    assert {path.name for path in folder.iterdir()} == set(kept)
