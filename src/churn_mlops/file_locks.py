"""Locks on files: free again when the file is closed, or when the process dies, however it dies."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import TextIO


def lock_file(path: Path, *, wait: bool = True) -> TextIO:
    """The open file ``path`` with the exclusive lock on it; closing it gives the lock back, and the file stays.

    Args:
        path: the file, which is created where it is missing. A symbolic link is refused: what the holder writes would
            end up wherever it leads.
        wait: wait for another holder; False raises immediately.

    Raises:
        BlockingIOError: another process holds the lock.
        OSError: the file cannot be created or opened.
    """
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o666), "r+", encoding="utf-8")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        file.close()
        raise
    return file
