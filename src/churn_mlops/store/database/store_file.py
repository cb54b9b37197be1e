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
        self._has_pages = self._was_emptied = False
        self._beside: dict[Path, Identity | None] = {Path(f"{path}{ending}"): None for ending in ("-wal", "-shm")}

    def note_opened(self) -> None:
        """Remember the file that the first connection was opened to."""
        if self._opened is None and (found := _found(self.path)) is not None:
            self._opened, self._has_pages = _identity_of(found), found.st_size > 0

    def check(self) -> None:
        """Make sure that it is still there. SQLite would go on writing to a file that has no name any more.

        Raises:
            StoreReplacedError: another file has its place.
            StoreError: no file is there, or the file was emptied since it was opened.
        """
        if self._opened is None:
            return
        now = _found(self.path)
        if now is None:
            raise StoreError(f"the file of the store, {self.path}, is gone: put it back or run again; nothing was kept")
        if _identity_of(now) != self._opened:
            raise StoreReplacedError(
                f"another file took the place of {self.path} while the store was open: nothing was kept; run again"
            )
        self._check_pages(is_empty=now.st_size == 0)
        self._beside = {path: _identity(path) for path in self._beside}

    def _check_pages(self, *, is_empty: bool) -> None:
        """SQLite would write to its log alone, and that is lost with the file. After it is put back, restart."""
        self._was_emptied |= self._has_pages and is_empty
        self._has_pages |= not is_empty
        if self._was_emptied:
            raise StoreError(
                f"the file of the store, {self.path}, was emptied; nothing was kept: stop all servers and jobs, delete "
                "it with its -wal and -shm, and restore a backup"
            )

    def delete_leftovers(self) -> None:
        """Delete the log and the index of the file that was replaced: SQLite would apply them to the new one."""
        for path, identity in self._beside.items():
            if identity is not None and _identity(path) == identity:
                path.unlink(missing_ok=True)


def _identity(path: Path) -> Identity | None:
    found = _found(path)
    return None if found is None else _identity_of(found)


def _identity_of(found: os.stat_result) -> Identity:
    """Device and inode."""
    return found.st_dev, found.st_ino


def _found(path: Path) -> os.stat_result | None:
    try:
        return os.stat(path)
    except FileNotFoundError:
        return None
