"""Copies of files that are made once, and last as long as the program.

They lie in a folder of the system for temporary files, which only this user can read.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, TypeVar, cast

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
    copy: KeptCopy[Any] = KeptCopy()
    copy.made = make(path, copy.folder)
    return copy
