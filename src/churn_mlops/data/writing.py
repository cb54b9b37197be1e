"""Writing a file whole or not at all."""

from __future__ import annotations

import os
import tempfile
from contextlib import suppress
from pathlib import Path


def write_whole(path: Path, data: bytes, mode: int = 0o644) -> None:
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
    _keep_name(path.parent)


def move_whole(made: Path, path: Path) -> None:
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
    _keep_name(path.parent)


def _keep_name(folder: Path) -> None:
    """Bring the renaming itself to disk; some file systems refuse, and the file is in place by then."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
