"""A folder of blobs as files, for the life of one process: others may clean it up at any time."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import os
import shutil
import tempfile
from pathlib import Path
from typing import IO

from murnau_worker.core.errors import WorkerError

_PREFIX = "murnau-blobs-"
_LOCK = "lock"
_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)


class BlobFolder:
    """A folder of its own among the system's temporary files. Raises OSError where none can be made.

    Its owner holds a lock on a file in it, so that any process that shares the disk, of another container too, knows
    by the lock alone whether the folder was left behind.
    """

    def __init__(self) -> None:
        parent = Path(tempfile.gettempdir())
        _remove_left_behind(parent)
        self.path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        self._lock = _locked_file(self.path)

    def close(self) -> None:
        shutil.rmtree(self.path, ignore_errors=True)
        self._lock.close()

    def has(self, name: str, size_bytes: int) -> bool:
        try:
            return (self.path / name).stat().st_size == size_bytes
        except OSError:
            return False

    def write(self, name: str, content: bytes) -> None:
        """Raises WorkerError `storage.full` without room for it, OSError where nothing can be written at all."""
        path = self.path / name
        try:
            try:
                path.write_bytes(content)
            except FileNotFoundError:  # the folder itself was cleaned up
                self._make_again()
                path.write_bytes(content)
        except OSError as error:
            self.remove(name)
            if error.errno not in _NO_ROOM:
                raise
            message = f"no space is left for the worker's files in {self.path}; free some: what is running waits"
            raise WorkerError("storage.full", message) from error

    def read(self, name: str) -> bytes | None:
        """None where it is not there any more."""
        try:
            return (self.path / name).read_bytes()
        except OSError:
            return None

    def remove(self, name: str) -> None:
        with contextlib.suppress(OSError):
            (self.path / name).unlink(missing_ok=True)

    def _make_again(self) -> None:
        self.path.mkdir(mode=0o700, exist_ok=True)
        self._lock.close()
        self._lock = _locked_file(self.path)


def _locked_file(folder: Path) -> IO[str]:
    """The folder's lock, held. It comes into its place already locked: nobody finds it free in between."""
    being_made = folder / f"{_LOCK}-{os.getpid()}"
    file = being_made.open("w")
    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    being_made.rename(folder / _LOCK)
    return file


def _remove_left_behind(parent: Path) -> None:
    """Removes the folders whose lock nobody holds. One without a lock is just being made, or was cleaned up."""
    for folder in parent.glob(f"{_PREFIX}*"):
        try:
            descriptor = os.open(folder / _LOCK, os.O_RDWR)
        except OSError:
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            continue
        else:
            shutil.rmtree(folder, ignore_errors=True)
        finally:
            os.close(descriptor)
