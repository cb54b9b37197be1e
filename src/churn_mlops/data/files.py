"""Files as addresses: whether one can be read, and how its path and its names are written for the engine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from churn_mlops.errors import SourceError


def check_file(path: Path) -> None:
    """Whether ``path`` is a file that can be opened.

    Raises:
        SourceError: it is not there, is a folder, or may not be read; with what to do.
    """
    if path.is_dir():
        raise SourceError(f"{path} is a folder: give the file inside it")
    try:
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}: check the path (the current folder is {Path.cwd()})") from None
    except PermissionError:
        raise SourceError(f"no permission to read {path}: ask its owner, or `chmod u+r` it") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be opened: {error}") from None


def is_duckdb(path: Path) -> bool:
    """Whether the file at ``path`` is a DuckDB database, whatever its ending."""
    with path.open("rb") as file:
        return file.read(12)[8:12] == b"DUCK"


def quoted(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


@contextmanager
def literal_path(path: Path) -> Iterator[str]:
    """A path that the engine reads as it stands: ``*``, ``?`` and ``[`` in a name would be taken for a pattern."""
    if not any(sign in str(path) for sign in "*?["):
        yield str(path)
        return
    with tempfile.TemporaryDirectory(prefix="churn-") as folder:
        link = Path(folder) / ("table" + "".join(path.suffixes[-2:]).translate({ord(sign): None for sign in "*?["}))
        os.symlink(path.resolve(), link)
        yield str(link)
