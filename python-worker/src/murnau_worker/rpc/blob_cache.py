"""Blobs by hash, for this process's life only: the worker holds nothing durable."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import tempfile
from collections import OrderedDict
from pathlib import Path

from murnau_worker.core.errors import WorkerError

HASH_PATTERN = re.compile(r"[0-9a-f]{64}")
CHUNK_BYTES = 1024 * 1024
_LARGEST_BLOB_BYTES = 256 * 1024 * 1024
_CACHE_BYTES = 4 * 1024**3
_PREFIX = "murnau-blobs-"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class BlobCache:
    """Files in a temporary folder, the least recently used leaving first."""

    def __init__(self) -> None:
        _remove_left_behind(Path(tempfile.gettempdir()))
        self._folder = tempfile.TemporaryDirectory(prefix=f"{_PREFIX}{os.getpid()}-")
        self._sizes: OrderedDict[str, int] = OrderedDict()

    def close(self) -> None:
        self._folder.cleanup()

    def missing(self, hashes: list[str]) -> list[str]:
        """Those the cache lacks, in order."""
        return [blob_hash for blob_hash in hashes if blob_hash not in self._sizes]

    def put(self, blob_hash: str, content: bytes) -> None:
        """Raises WorkerError `blob.corrupt` when content and hash do not match, `storage.full` without room for it."""
        if not HASH_PATTERN.fullmatch(blob_hash) or hashlib.sha256(content).hexdigest() != blob_hash:
            raise WorkerError(
                "blob.corrupt",
                "a blob's content does not match its hash",
                field="hash",
                given=blob_hash,
                allowed="the SHA-256 of the content, 64 lower-case hex digits",
            )
        self._write(self._path(blob_hash), content)
        self._sizes[blob_hash] = len(content)
        self._sizes.move_to_end(blob_hash)
        while sum(self._sizes.values()) > _CACHE_BYTES and len(self._sizes) > 1:
            oldest, _ = self._sizes.popitem(last=False)
            self._path(oldest).unlink(missing_ok=True)

    def _write(self, path: Path, content: bytes) -> None:
        try:
            path.write_bytes(content)
        except OSError as error:
            path.unlink(missing_ok=True)
            if error.errno not in _NO_ROOM:
                raise
            message = f"no space is left for the worker's files in {path.parent}; free some: what is running waits"
            raise WorkerError("storage.full", message) from error

    def get(self, blob_hash: str) -> bytes | None:
        """The blob, or None."""
        if blob_hash not in self._sizes:
            return None
        self._sizes.move_to_end(blob_hash)
        return self._path(blob_hash).read_bytes()

    def _path(self, blob_hash: str) -> Path:
        return Path(self._folder.name) / blob_hash


def _remove_left_behind(folder: Path) -> None:
    """Removes the folders of workers that were killed."""
    for path in folder.glob(f"{_PREFIX}*-*"):
        pid = path.name.removeprefix(_PREFIX).partition("-")[0]
        if pid.isdecimal() and not _is_running(int(pid)):
            shutil.rmtree(path, ignore_errors=True)


def _is_running(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # another user's
        pass
    return True


class BlobAssembly:
    """Chunks of one stream put together."""

    def __init__(self, cache: BlobCache) -> None:
        self._cache = cache
        self._hash = ""
        self._content = bytearray()
        self.received = 0

    def add(self, blob_hash: str, chunk: bytes, last: bool) -> None:
        """Raises WorkerError `blob.corrupt` for a mismatch, a chunk over 1 MiB or a blob over 256 MiB."""
        if blob_hash != self._hash:
            self.finish()
            self._hash = blob_hash
        if len(chunk) > CHUNK_BYTES or len(self._content) + len(chunk) > _LARGEST_BLOB_BYTES:
            raise WorkerError("blob.corrupt", "a chunk is over 1 MiB or a blob over 256 MiB", field="chunk")
        self._content += chunk
        if last:
            self._cache.put(self._hash, bytes(self._content))
            self.received += 1
            self._hash, self._content = "", bytearray()

    def finish(self) -> None:
        """Raises WorkerError `blob.corrupt` for a blob whose last chunk did not come."""
        if self._hash:
            raise WorkerError("blob.corrupt", "a blob's last chunk did not come", field="hash", given=self._hash)
