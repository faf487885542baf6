"""Blobs by hash, for this process's life only: the worker holds nothing durable."""

from __future__ import annotations

import hashlib
import re
import tempfile
from collections import OrderedDict
from pathlib import Path

from murnau_worker.errors import WorkerError

HASH_PATTERN = re.compile(r"[0-9a-f]{64}")
CHUNK_BYTES = 1024 * 1024
_LARGEST_BLOB_BYTES = 256 * 1024 * 1024
_CACHE_BYTES = 4 * 1024**3


class BlobCache:
    """Files in a temporary folder, the least recently used leaving first."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="murnau-blobs-")
        self._sizes: OrderedDict[str, int] = OrderedDict()

    def close(self) -> None:
        self._folder.cleanup()

    def missing(self, hashes: list[str]) -> list[str]:
        """Those the cache lacks, in order."""
        return [blob_hash for blob_hash in hashes if blob_hash not in self._sizes]

    def put(self, blob_hash: str, content: bytes) -> None:
        """Raises WorkerError `blob.corrupt` when content and hash do not match."""
        if not HASH_PATTERN.fullmatch(blob_hash) or hashlib.sha256(content).hexdigest() != blob_hash:
            raise WorkerError(
                "blob.corrupt",
                "a blob's content does not match its hash",
                field="hash",
                given=blob_hash,
                allowed="the SHA-256 of the content, 64 lower-case hex digits",
            )
        self._path(blob_hash).write_bytes(content)
        self._sizes[blob_hash] = len(content)
        self._sizes.move_to_end(blob_hash)
        while sum(self._sizes.values()) > _CACHE_BYTES and len(self._sizes) > 1:
            oldest, _ = self._sizes.popitem(last=False)
            self._path(oldest).unlink(missing_ok=True)

    def get(self, blob_hash: str) -> bytes | None:
        """The blob, or None."""
        if blob_hash not in self._sizes:
            return None
        self._sizes.move_to_end(blob_hash)
        return self._path(blob_hash).read_bytes()

    def _path(self, blob_hash: str) -> Path:
        return Path(self._folder.name) / blob_hash


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
