"""Blobs by hash, for this process's life only: the worker holds nothing durable."""

from __future__ import annotations

import hashlib
import re
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace

from murnau_worker.core.errors import WorkerError
from murnau_worker.core.logs import get_logger
from murnau_worker.rpc.blob_folder import BlobFolder

HASH_PATTERN = re.compile(r"[0-9a-f]{64}")
CHUNK_BYTES = 1024 * 1024
CACHE_BYTES = 4 * 1024**3
MEMORY_BYTES = 1024**3  # of blobs for which there is no file
# A blob that was put, asked for or read this lately may belong to a set that is still being put: it stays, even where
# the set is larger than the cache.
WANTED_S = 1800.0
_LARGEST_BLOB_BYTES = 256 * 1024 * 1024


@dataclass(frozen=True)
class _Entry:
    """`content`: of a blob that is kept in memory."""

    size_bytes: int
    used_s: float
    content: bytes | None = None


class BlobCache:
    """Files in a temporary folder, the least recently used leaving first. Any thread may call it.

    What is there is what the folder says: a file that vanished is missing, and is asked for again. Where files can not
    be written, blobs are kept in memory.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._entries: OrderedDict[str, _Entry] = OrderedDict()  # the least recently used first
        self._total_bytes = 0
        self._in_memory_bytes = 0
        self._is_over = False
        self._folder: BlobFolder | None = None
        try:
            self._folder = BlobFolder()
        except OSError as error:
            _warn_of_memory(error)

    def close(self) -> None:
        if self._folder is not None:
            self._folder.close()

    def missing(self, hashes: list[str]) -> list[str]:
        """Those the cache lacks, in order."""
        with self._lock:
            return [blob_hash for blob_hash in hashes if not self._is_there(blob_hash)]

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
        with self._lock:
            self._forget(blob_hash)
            entry = self._written(blob_hash, content)
            self._entries[blob_hash] = entry
            self._total_bytes += entry.size_bytes
            self._in_memory_bytes += len(entry.content or b"")
            self._evict()

    def get(self, blob_hash: str) -> bytes | None:
        """The blob, or None."""
        with self._lock:
            entry = self._entries.get(blob_hash)
            if entry is None:
                return None
            content = entry.content
            if content is None and self._folder is not None:
                content = self._folder.read(blob_hash)
            if content is None or len(content) != entry.size_bytes:
                self._forget(blob_hash)
                return None
            self._use(blob_hash, entry)
            return content

    def _is_there(self, blob_hash: str) -> bool:
        entry = self._entries.get(blob_hash)
        if entry is None:
            return False
        is_file = self._folder is not None and self._folder.has(blob_hash, entry.size_bytes)
        if entry.content is None and not is_file:
            self._forget(blob_hash)
            return False
        self._use(blob_hash, entry)
        return True

    def _use(self, blob_hash: str, entry: _Entry) -> None:
        self._entries[blob_hash] = replace(entry, used_s=self._clock())
        self._entries.move_to_end(blob_hash)

    def _written(self, blob_hash: str, content: bytes) -> _Entry:
        size_bytes, now_s = len(content), self._clock()
        if self._folder is not None:
            try:
                self._write(self._folder, blob_hash, content)
            except OSError as error:
                _warn_of_memory(error)
            else:
                return _Entry(size_bytes, now_s)
        if self._in_memory_bytes + size_bytes > MEMORY_BYTES:
            self._make_room_in_memory(size_bytes)
        return _Entry(size_bytes, now_s, content)

    def _write(self, folder: BlobFolder, blob_hash: str, content: bytes) -> None:
        """On a full disk, blobs that nobody wants any more make room."""
        while True:
            try:
                return folder.write(blob_hash, content)
            except WorkerError:
                oldest = next(iter(self._entries), None)
                if oldest is None or not self._may_leave(oldest):
                    raise
                self._forget(oldest)

    def _make_room_in_memory(self, size_bytes: int) -> None:
        kept = [blob_hash for blob_hash, entry in self._entries.items() if entry.content is not None]
        for blob_hash in kept:
            if self._in_memory_bytes + size_bytes <= MEMORY_BYTES or not self._may_leave(blob_hash):
                break
            self._forget(blob_hash)
        if self._in_memory_bytes + size_bytes > MEMORY_BYTES:
            most = MEMORY_BYTES // 1024**2
            message = f"the worker can not write temporary files, and the {most} MiB of memory in their place are full"
            raise WorkerError("storage.full", f"{message}: give it a folder by TMPDIR and start it again")

    def _may_leave(self, blob_hash: str) -> bool:
        return self._clock() - self._entries[blob_hash].used_s >= WANTED_S

    def _evict(self) -> None:
        while self._total_bytes > CACHE_BYTES:
            oldest = next(iter(self._entries))
            if not self._may_leave(oldest):
                break
            self._forget(oldest)
        is_over = self._total_bytes > CACHE_BYTES
        if is_over and not self._is_over:
            get_logger().warning(
                "the blobs in use are larger than the cache: it takes more of the disk",
                extra={"blobs_mib": self._total_bytes // 1024**2, "cache_mib": CACHE_BYTES // 1024**2},
            )
        self._is_over = is_over

    def _forget(self, blob_hash: str) -> None:
        entry = self._entries.pop(blob_hash, None)
        if entry is None:
            return
        self._total_bytes -= entry.size_bytes
        self._in_memory_bytes -= len(entry.content or b"")
        if entry.content is None and self._folder is not None:
            self._folder.remove(blob_hash)


def _warn_of_memory(error: OSError) -> None:
    get_logger().warning("blobs can not be kept as files: memory takes them", extra={"reason": str(error)})


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
