"""Copies of files that are made once, and last as long as the program.

They lie in a folder of the system for temporary files, which only this user can read.
"""

from __future__ import annotations

import errno
import shutil
import tempfile
import weakref
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

from churn_mlops.errors import SourceError

Made = TypeVar("Made")
_KEPT_FILES = 4


class KeptCopy(Generic[Made]):
    """A folder that is removed with its last use, or with the program, and ``made``, which was written into it."""

    made: Made

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="churn-"))
        weakref.finalize(self, shutil.rmtree, self.folder, ignore_errors=True)


def kept_copy(make: Callable[[Path, Path], Made], path: Path) -> KeptCopy[Made]:
    """The copy of the file at ``path`` that ``make`` writes into a folder; made again when the file has changed."""
    found = path.stat()
    return cast(KeptCopy[Made], _made(make, path.absolute(), (found.st_ino, found.st_size, found.st_mtime_ns)))


@lru_cache(maxsize=_KEPT_FILES)
def _made(make: Callable[[Path, Path], Any], path: Path, _version: tuple[int, int, int]) -> KeptCopy[Any]:
    with room_for_copy(path):
        copy: KeptCopy[Any] = KeptCopy()
        copy.made = make(path, copy.folder)
    return copy


@contextmanager
def room_for_copy(path: Path) -> Iterator[None]:
    """Raise the error of a full disk, while a copy of the file at ``path`` is written, as one of ours.

    Raises:
        SourceError: the folder for temporary files is full, or not there.
    """
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.ENOENT) or error.filename == str(path):
            raise
        raise SourceError(
            f"{path} is read from a copy, and that cannot be written ({error.strerror or error}): make room in the "
            "folder for temporary files, or name another one in TMPDIR"
        ) from None
