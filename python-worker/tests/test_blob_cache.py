"""The worker's copies of pictures and states: on a full disk, cleaned up by others, beside other workers, too large."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from murnau_worker.core.errors import WorkerError
from murnau_worker.rpc import blob_cache
from murnau_worker.rpc.blob_cache import WANTED_S, BlobCache


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def hash_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The system's folder for temporary files."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.fixture
def cache(folder: Path) -> Iterator[BlobCache]:
    cache = BlobCache()
    yield cache
    cache.close()
    cache.close()  # a server may be stopped twice


def put(cache: BlobCache, *contents: bytes) -> list[str]:
    for content in contents:
        cache.put(hash_of(content), content)
    return [hash_of(content) for content in contents]


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file() and path.name != "lock"]


def test_a_full_disk_is_said_and_over_when_there_is_room(folder: Path, cache: BlobCache) -> None:
    content = b"a picture" * 10_000
    [own] = folder.iterdir()
    (own / hash_of(content)).symlink_to("/dev/full")  # the kernel refuses each write with ENOSPC
    with pytest.raises(WorkerError, match="no space is left") as refused:
        put(cache, content)
    assert refused.value.code == "storage.full"
    assert str(own) in refused.value.message
    assert cache.missing([hash_of(content)]) == [hash_of(content)]
    assert files(folder) == []
    put(cache, content)
    assert cache.get(hash_of(content)) == content


@pytest.mark.parametrize("damage", ["file", "cut", "files and lock", "folder"])
def test_what_a_cleaner_removed_is_missing_and_taken_again(folder: Path, cache: BlobCache, damage: str) -> None:
    hashes = put(cache, b"one", b"other")
    [own] = [path for path in folder.iterdir() if path.is_dir()]
    if damage == "folder":
        shutil.rmtree(own)
    elif damage == "cut":
        (own / hashes[0]).write_bytes(b"")
    else:
        for path in own.iterdir():
            if path.name == hashes[0] or damage != "file":
                path.unlink()
    lost = hashes[:1] if damage in ("file", "cut") else hashes
    assert [cache.get(blob_hash) for blob_hash in lost] == [None] * len(lost)
    assert cache.missing(hashes) == lost
    put(cache, b"one", b"other")
    assert cache.missing(hashes) == []
    assert [cache.get(blob_hash) for blob_hash in hashes] == [b"one", b"other"]


def test_missing_asks_the_disk_first(folder: Path, cache: BlobCache) -> None:
    hashes = put(cache, b"one")
    files(folder)[0].unlink()
    assert cache.missing(hashes) == hashes


HOLDER = """
import sys, tempfile
tempfile.tempdir = sys.argv[1]
from murnau_worker.rpc.blob_cache import BlobCache
cache = BlobCache()
print("ready", flush=True)
sys.stdin.readline()
"""


def test_the_lock_alone_says_whether_a_folder_was_left_behind(folder: Path) -> None:
    """Process ids of another container mean nothing here, and the holder's is as good as one of those."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout is not None
    assert holder.stdout.readline() == "ready\n"
    [held] = folder.iterdir()
    kept = ["murnau-blobs-of-mine", "other"]  # without a lock: no worker's, or one that is just being made
    for name in kept:
        (folder / name).mkdir()
        (folder / name / "blob").write_bytes(b"")
    other = BlobCache()
    assert {path.name for path in folder.iterdir()} >= {held.name, *kept}
    holder.kill()
    holder.wait()
    other.close()
    BlobCache().close()
    assert {path.name for path in folder.iterdir()} == set(kept)


def test_a_folder_is_locked_before_it_can_be_found(folder: Path, cache: BlobCache) -> None:
    [own] = folder.iterdir()
    descriptor = os.open(own / "lock", os.O_RDWR)
    with pytest.raises(BlockingIOError):
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
    assert [path.name for path in own.iterdir()] == ["lock"]


def test_a_set_larger_than_the_cache_is_there_whole_and_said(
    folder: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(blob_cache, "CACHE_BYTES", 100)
    clock = Clock()
    cache = BlobCache(clock)
    before = put(cache, b"x" * 90)
    clock.now_s += WANTED_S
    contents = [bytes([number]) * 30 for number in range(8)]
    wanted = [hash_of(content) for content in contents]
    assert cache.missing(wanted) == wanted
    with caplog.at_level(logging.WARNING, "murnau_worker"):
        put(cache, *contents)
    assert cache.missing([*before, *wanted]) == before, "what nobody wants leaves first"
    assert [message.startswith("the blobs in use are larger") for message in caplog.messages] == [True], "said once"
    clock.now_s += WANTED_S
    [last] = put(cache, b"last")
    assert cache.missing([*wanted, last]) == wanted[:5]
    assert len(files(folder)) == 4
    cache.close()


def test_what_was_asked_for_stays_until_the_rest_of_its_set_is_put(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(blob_cache, "CACHE_BYTES", 100)
    clock = Clock()
    cache = BlobCache(clock)
    [old, other] = put(cache, b"a" * 40, b"b" * 40)
    clock.now_s += 2 * WANTED_S
    assert cache.missing([old]) == []
    [new] = put(cache, b"c" * 50)
    assert cache.missing([old, other, new]) == [other]
    cache.close()


def test_without_a_folder_blobs_are_kept_in_memory(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/proc")
    monkeypatch.setattr(blob_cache, "MEMORY_BYTES", 100)
    clock = Clock()
    with caplog.at_level(logging.WARNING, "murnau_worker"):
        cache = BlobCache(clock)
    assert caplog.messages == ["blobs can not be kept as files: memory takes them"]
    hashes = put(cache, b"a" * 60, b"b" * 30)
    assert [cache.get(blob_hash) for blob_hash in hashes] == [b"a" * 60, b"b" * 30]
    with pytest.raises(WorkerError, match="can not write temporary files") as refused:
        put(cache, b"c" * 20)
    assert refused.value.code == "storage.full"
    clock.now_s += WANTED_S
    put(cache, b"c" * 20)
    assert cache.missing(hashes) == hashes[:1]
    cache.close()


def test_a_folder_that_can_not_be_written_any_more_is_a_warning(
    cache: BlobCache, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = put(cache, b"a file")

    def refused(path: Path, content: bytes) -> int:
        raise OSError(30, "Read-only file system", str(path))

    monkeypatch.setattr(Path, "write_bytes", refused)
    with caplog.at_level(logging.WARNING, "murnau_worker"):
        hashes += put(cache, b"in memory")
    assert len(caplog.messages) == 1
    assert [cache.get(blob_hash) for blob_hash in hashes] == [b"a file", b"in memory"]
    assert cache.missing(hashes) == []


def test_many_blobs_cost_as_much_each_as_few(cache: BlobCache, monkeypatch: pytest.MonkeyPatch) -> None:
    """A put looks at no other blob: what it asks the system for does not grow with the blobs that are there."""
    asked: list[str] = []
    for name in ("stat", "unlink", "write_bytes"):
        original = getattr(Path, name)

        def counted(path: Path, *arguments: object, _of: object = original, _as: str = name, **named: object) -> object:
            asked.append(_as)
            return _of(path, *arguments, **named)  # type: ignore[operator]

        monkeypatch.setattr(Path, name, counted)
    counts: list[int] = []
    for number in range(300):
        asked.clear()
        put(cache, b"blob %d" % number)
        counts.append(len(asked))
    assert counts == [counts[0]] * 300
