"""Atomic writing: a reader, and a crash, find the old file or the new one, never a part."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_atomic(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write ``data`` to ``path`` so that a reader, and a crash, find the old file or the new one, never a part.

    Folders that are not there are made.

    Args:
        path: the file.
        data: all of its content.
        mode: its permissions; ``0o600`` for what may hold a password.

    Raises:
        OSError: it cannot be written there; the old file, if any, is left as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.", suffix=".tmp")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
    _sync_name(path)


def replace_atomic(made: Path, path: Path) -> None:
    """Put the finished file ``made`` at ``path``, on the same file system: a reader finds the old file or the new one.

    Raises:
        OSError: it cannot be written there; the old file, if any, is left as it was.
    """
    handle = os.open(made, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    made.replace(path)
    _sync_name(path)


def sync_folder(folder: Path) -> None:
    """Bring the names in ``folder`` to disk: a new file, or a renaming.

    Raises:
        OSError: the file system refuses.
    """
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _sync_name(path: Path) -> None:
    with suppress(OSError):  # some file systems refuse, and the file is in place by then
        sync_folder(path.parent)
