"""The file of an SQLite store while it is open: another file in its place is noticed before a write is acknowledged."""

from __future__ import annotations

import os
from pathlib import Path

from churn_mlops.errors import StoreError, StoreReplacedError

Identity = tuple[int, int]


class StoreFile:
    """Recognises the file that was opened first, and what SQLite keeps beside it.

    Args:
        path: absolute.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._opened: Identity | None = None
        self._beside: dict[Path, Identity | None] = {Path(f"{path}{ending}"): None for ending in ("-wal", "-shm")}

    def note_opened(self) -> None:
        """Remember the file that the first connection was opened to."""
        if self._opened is None:
            self._opened = _identity(self.path)

    def check(self) -> None:
        """Make sure that it is still there. SQLite would go on writing to a file that has no name any more.

        Raises:
            StoreReplacedError: another file has its place.
            StoreError: no file is there.
        """
        if self._opened is None:
            return
        now = _identity(self.path)
        if now is None:
            raise StoreError(f"the file of the store, {self.path}, is gone: put it back or run again; nothing was kept")
        if now != self._opened:
            raise StoreReplacedError(
                f"another file took the place of {self.path} while the store was open: nothing was kept; run again"
            )
        self._beside = {path: _identity(path) for path in self._beside}

    def delete_leftovers(self) -> None:
        """Delete the log and the index of the file that was replaced: SQLite would apply them to the new one."""
        for path, identity in self._beside.items():
            if identity is not None and _identity(path) == identity:
                path.unlink(missing_ok=True)


def _identity(path: Path) -> Identity | None:
    """Device and inode, None where there is no file."""
    try:
        found = os.stat(path)
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino
