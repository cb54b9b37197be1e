"""A file, or a folder of files, as tables."""

from __future__ import annotations

import time
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import ibis
import ibis.expr.types as ir

from churn_mlops.data.findings import Finding
from churn_mlops.data.sources.database import bounded, connection_for, memory_connection, plan_quickly
from churn_mlops.data.sources.files import check_file
from churn_mlops.data.sources.formats.duckdb_reader import connect_copy, reopen_read_only
from churn_mlops.data.sources.formats.file_formats import (
    ONE_TABLE_ENDINGS,
    FileFormat,
    format_of,
    is_one_table,
    name_of,
)
from churn_mlops.data.sources.place import Place, Version
from churn_mlops.errors import SourceError

LOGS = ("-wal", ".wal")
"""Endings of what SQLite and DuckDB write beside a database."""
LARGEST_COPY = 4 * 2**30
"""Bytes of files of which a copy is kept."""
_SETTLED_SECONDS = 2.0  # the resolution of times in some file systems


class FilePlace(Place):
    """One file: a table, or a database of its own.

    Args:
        path: of the file.
        file_format: how it is read.
        copied: whether a database is read from a copy, which keeps no program from writing the file.
    """

    def __init__(self, path: Path, file_format: FileFormat, *, copied: bool = False) -> None:
        self.path, self._format, self._copied = path, file_format, copied
        self._folder: TemporaryDirectory[str] | None = None
        self.shown, self.empty = str(path), file_format.empty
        self.kind = "file" if file_format.tables is None else "database"
        self.loaded = file_format.connect is None

    def tables(self) -> list[str]:
        """As :meth:`Place.tables`."""
        return self._format.tables_of(self.path)

    def open(self, name: str) -> ir.Table:
        """As :meth:`Place.open`."""
        return self._format.open(self.path, self.connection, name)

    def columns(self, name: str) -> list[str]:
        """As :meth:`Place.columns`."""
        return self._format.columns(self.path, name)

    def undecided_times(self) -> list[tuple[str, str]]:
        """As :meth:`Place.undecided_times`."""
        return _undecided_times({name: self.path for name in self.tables()})

    def guessed_encodings(self) -> list[str]:
        """As :meth:`Place.guessed_encodings`."""
        return _guessed_encodings({name: self.path for name in self.tables()})

    def remarks(self) -> list[Finding]:
        """As :meth:`Place.remarks`."""
        names = self.tables()
        found = _remarks(dict.fromkeys(names, self.path))
        if self._format.in_folders and len(names) > 1:
            what = f"holds {len(names)} sheets with tables ({', '.join(names)}): `--table {names[0]}` reads one alone"
            found.append(Finding(self.path.name, "sheets", what))
        return found

    def version(self) -> Version | None:
        """As :meth:`Place.version`."""
        if self._format.connect is not None and not self._copied:
            return None  # a database that is read in place is locked while it is open
        logs = (self.path.with_name(self.path.name + ending) for ending in LOGS)
        return version_of([self.path, *(log for log in logs if log.exists())], copied=self._copied)

    def to_keep(self) -> Place:
        """As :meth:`Place.to_keep`."""
        return FilePlace(self.path, self._format, copied=True)

    def settle(self) -> None:
        """As :meth:`Place.settle`."""
        if self._folder is not None:  # without names, the files are gone even where the process is killed
            reopen_read_only(self.connection, Path(self._folder.name) / self.path.name)
            self._folder.cleanup()
        plan_quickly(self.connection)

    def close(self) -> None:
        """As :meth:`Place.close`."""
        super().close()
        if self._folder is not None:
            self._folder.cleanup()

    def _connect(self) -> ibis.BaseBackend:
        if not self._copied:
            return self._format.connection_to(self.path)
        if self._format.connect is None:
            return bounded(memory_connection())
        self._folder = TemporaryDirectory(prefix="churn-")
        return connect_copy(self.path, Path(self._folder.name))


class FolderPlace(Place):
    """A folder: each file in it that is one table is called like that table.

    Args:
        path: of the folder.
        kept: whether the tables are kept for a program that goes on asking.
    """

    kind, loaded = "folder", True

    def __init__(self, path: Path, *, kept: bool = False) -> None:
        self.path, self.shown, self._kept = path, str(path), kept

    @cached_property
    def files(self) -> dict[str, Path]:
        """The files by the names of their tables.

        Raises:
            SourceError: there is none, two have one name, or the folder may not be read.
        """
        found: dict[str, Path] = {}
        twins: dict[str, Path] = {}
        for file in self._files():
            name = name_of(file)
            twin = twins.setdefault(name.lower(), file)
            if twin != file:
                raise SourceError(f"{twin} and {file} are both called {name!r}: rename or move one of them")
            found[name] = file
        if not found:
            raise SourceError(
                f"the folder {self.path} holds no table: give one with files in it that end in {ONE_TABLE_ENDINGS}"
            )
        return found

    def tables(self) -> list[str]:
        """As :meth:`Place.tables`."""
        return list(self.files)

    def open(self, name: str) -> ir.Table:
        """As :meth:`Place.open`."""
        check_file(self.files[name])
        return format_of(self.files[name]).open(self.files[name], self.connection, name)

    def undecided_times(self) -> list[tuple[str, str]]:
        """As :meth:`Place.undecided_times`."""
        return _undecided_times(self.files)

    def guessed_encodings(self) -> list[str]:
        """As :meth:`Place.guessed_encodings`."""
        return _guessed_encodings(self.files)

    def remarks(self) -> list[Finding]:
        """As :meth:`Place.remarks`."""
        return _remarks(self.files)

    def version(self) -> Version | None:
        """As :meth:`Place.version`."""
        return version_of(list(self.files.values()), copied=self._kept)

    def to_keep(self) -> Place:
        """As :meth:`Place.to_keep`."""
        return FolderPlace(self.path, kept=True)

    def settle(self) -> None:
        """As :meth:`Place.settle`."""
        plan_quickly(self.connection)

    def _files(self) -> list[Path]:
        try:
            return sorted(
                file
                for file in self.path.iterdir()
                if is_one_table(file) and not file.name.startswith(".") and file.is_file()
            )
        except OSError as error:
            raise SourceError(f"the folder {self.path} cannot be read: {error.strerror or error}") from None

    def _connect(self) -> ibis.BaseBackend:
        if self._kept:
            return bounded(memory_connection())
        return connection_for(sum(path.stat().st_size for path in self.files.values()))


def _undecided_times(files: Mapping[str, Path]) -> list[tuple[str, str]]:
    asked = {name: format_of(path).undecided_times for name, path in files.items()}
    return [(name, column) for name, ask in asked.items() if ask is not None for column in ask(files[name], name)]


def _guessed_encodings(files: Mapping[str, Path]) -> list[str]:
    asked = {name: format_of(path).guesses_encoding for name, path in files.items()}
    return [name for name, ask in asked.items() if ask is not None and ask(files[name])]


def _remarks(files: Mapping[str, Path]) -> list[Finding]:
    asked = {name: format_of(path).remarks for name, path in files.items()}
    found = [(name, one) for name, ask in asked.items() if ask is not None for one in ask(files[name], name)]
    return [Finding(one.column or name, one.kind, one.what) for name, one in found]


def version_of(paths: list[Path], *, copied: bool) -> Version | None:
    """The version of files; None where they are too large to copy.

    It is None too while one is so new that it may be written again under the same time.
    """
    found = [(str(path), path.stat()) for path in paths]
    if copied and sum(stat.st_size for _, stat in found) > LARGEST_COPY:
        return None
    if time.time() - max(stat.st_mtime for _, stat in found) < _SETTLED_SECONDS:
        return None
    return tuple((path, stat.st_ino, stat.st_size, stat.st_mtime_ns) for path, stat in found)
