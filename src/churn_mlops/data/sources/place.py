"""The tables at an address, whatever their kind: one connection can join them."""

from __future__ import annotations

from abc import ABC, abstractmethod
from functools import cached_property
from typing import Literal

import ibis
import ibis.expr.types as ir

from churn_mlops.data.findings import Finding

Version = tuple[tuple[str, int, int, int], ...]
"""Path, inode, size in bytes and time of change in nanoseconds of each file."""


class Place(ABC):
    """Tables that are opened on one connection, so that they can be joined.

    ``kind`` is "file" for a file that is one table, "database" for all else that has tables by name, folders and Spark
    apart. ``shown`` is what errors call the place; it holds no password. ``empty`` says what is wrong with a table
    without rows, where that is a fault. ``loaded`` says whether tables stand in a DuckDB of ours, which may be written.
    """

    kind: Literal["file", "folder", "database", "spark"]
    shown: str
    empty: str | None = None
    loaded: bool = False

    @cached_property
    def connection(self) -> ibis.BaseBackend:
        """The connection of all tables, made when it is first asked for.

        Raises:
            SourceError: the place cannot be reached or opened.
        """
        return self._connect()

    @abstractmethod
    def tables(self) -> list[str]:
        """Names of the tables, sorted.

        Raises:
            SourceError: they cannot be listed.
        """

    def partitions(self) -> dict[str, str]:
        """The tables that are a part of another one, by name, and that one, whose rows are read with it."""
        return {}

    def undecided_times(self) -> list[tuple[str, str]]:
        """Tables and columns of times of which nothing says whether they are in UTC or in local time."""
        return []

    def guessed_encodings(self) -> list[str]:
        """Tables of texts of which nothing says how their letters are written."""
        return []

    def remarks(self) -> list[Finding]:
        """Findings of reading the tables, such as a total row; each under the name of its table or column."""
        return []

    @abstractmethod
    def open(self, name: str) -> ir.Table:
        """The table ``name``, one of :meth:`tables`; each is opened once.

        Raises:
            SourceError: it cannot be read.
        """

    def columns(self, name: str) -> list[str]:
        """Names of the columns of the table ``name``, without reading its rows.

        Raises:
            SourceError: they cannot be read.
        """
        return list(self.open(name).columns)

    def version(self) -> Version | None:
        """A value that changes whenever the files here do; None where the place must not stay open.

        It must not where an open connection keeps other programs from writing, or would not show what they write.
        """
        return None

    def to_keep(self) -> Place:
        """These tables for a program that goes on asking for them.

        The tables of files stand in a DuckDB of their own, which may be written to until :meth:`settle`.
        """
        return self

    def settle(self) -> None:  # noqa: B027 most have nothing to do
        """From now on rows are only looked up, in the tables of :meth:`to_keep`."""

    def close(self) -> None:
        """End the connection, if there is one."""
        if "connection" in self.__dict__:
            self.connection.disconnect()

    @abstractmethod
    def _connect(self) -> ibis.BaseBackend: ...
