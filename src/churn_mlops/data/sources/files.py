"""Whether a file can be read, which of several tables is meant, and how paths and names are written for the engine."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENAMETOOLONG
from pathlib import Path

from churn_mlops.errors import SourceError
from churn_mlops.suggestions import did_you_mean

_SHOWN = 60


def check_file(path: Path) -> None:
    """Whether ``path`` is a file that can be opened.

    Raises:
        SourceError: it is not there, is a folder, or may not be read; with what to do.
    """
    if is_folder(path):
        raise SourceError(f"{path} is a folder: give the file inside it")
    try:
        if path.is_fifo():
            raise SourceError(
                f"{path} is a pipe, which can be read only once: write its rows into a file, and give that"
            )
        with path.open("rb"):
            pass
    except FileNotFoundError:
        raise SourceError(f"there is no file {path}: check the path (the current folder is {Path.cwd()})") from None
    except PermissionError:
        raise SourceError(f"no permission to read {path}: ask its owner, or `chmod u+r` it") from None
    except (OSError, ValueError) as error:
        raise SourceError(f"{path} cannot be opened: {error}") from None


def is_folder(path: Path) -> bool:
    """Whether ``path`` is a folder.

    Raises:
        SourceError: it is too long, or a folder on the way to it cannot be looked into.
    """
    try:
        return path.is_dir()
    except OSError as error:
        if error.errno != ENAMETOOLONG:
            raise SourceError(f"{path} cannot be opened: {error.strerror or error}") from None
        shown = str(path)[:_SHOWN]
        raise SourceError(
            f"the path that begins with {shown!r} has {len(str(path)):,} characters, more than the system allows: "
            "check it, or give a shorter one"
        ) from None


def quoted(text: str) -> str:
    """``text`` as an SQL string."""
    return "'" + text.replace("'", "''") + "'"


def identifier(name: str) -> str:
    """``name`` as an SQL name."""
    return '"' + name.replace('"', '""') + '"'


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


def chosen_table(where: str, names: list[str], table: str | None) -> str:
    """The table to read of those called ``names``: ``table``, or the only one.

    Raises:
        SourceError: it is not there, or it is not plain which one.
    """
    if table is None:
        if len(names) == 1:
            return names[0]
        held = f"holds {len(names)} tables ({', '.join(sorted(names)[:20])})" if names else "holds no table"
        raise SourceError(f"{where} {held}: name the one to read (`source.table`, `--table`)")
    if table not in names:
        raise SourceError(
            f"{where} has no table {table!r}; {did_you_mean(table, sorted(names))}".replace(
                "it has no columns", "it has none"
            )
        )
    return table
