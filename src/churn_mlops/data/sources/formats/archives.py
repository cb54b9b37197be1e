"""Archives of the kind .zip: files of tables, and workbooks, which are archives of their parts."""

from __future__ import annotations

import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_mlops.errors import SourceError

LARGEST_UNPACKED = 8 * 2**30
"""Bytes that the files of an archive may have together, unpacked."""
_ENCRYPTED = 1


@contextmanager
def opened(path: Path, kind: str, remedy: str) -> Iterator[zipfile.ZipFile]:
    """The archive at ``path``.

    Args:
        path: of the archive.
        kind: such as ".zip file".
        remedy: what to do where it is damaged.

    Raises:
        SourceError: it is damaged, or packed in a way that cannot be read; also while it is read.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            yield archive
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:  # all that a damaged one raises
        raise SourceError(f"{path} is not a whole {kind} ({error}): {remedy}") from None


def has_password(member: zipfile.ZipInfo) -> bool:
    """Whether ``member`` can be read with a password alone."""
    return bool(member.flag_bits & _ENCRYPTED)
