"""A database, or Spark, as tables."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from functools import cached_property

import ibis
import ibis.expr.types as ir

from churn_mlops.data.sources.database import partitions_in, table_names, translate_errors
from churn_mlops.data.sources.place import Place, Version
from churn_mlops.data.sources.plain_types import with_plain_types
from churn_mlops.data.sources.spark import (
    SparkAddress,
    connect_spark,
    explained,
    files_of,
    view_parquet,
    without_zones,
)


class DatabasePlace(Place):
    """A database behind a connection.

    Args:
        connect: makes the connection.
        shown: what errors call the database.
        address: of the database; without it, errors of the driver are not translated.
    """

    kind = "database"

    def __init__(self, connect: Callable[[], ibis.BaseBackend], shown: str, address: str | None = None) -> None:
        self._connect_to, self.shown, self._address = connect, shown, address

    def tables(self) -> list[str]:
        """As :meth:`Place.tables`."""
        with self._translated():
            return table_names(self.connection)

    def partitions(self) -> dict[str, str]:
        """As :meth:`Place.partitions`."""
        with self._translated():
            return partitions_in(self.connection)

    def open(self, name: str) -> ir.Table:
        """As :meth:`Place.open`."""
        if self.connection.name == "pyspark":
            return without_zones(self.connection, name)
        with self._translated():
            return with_plain_types(self.connection, name)

    def version(self) -> Version | None:
        """As :meth:`Place.version`."""
        # PostgreSQL alone is tested: its connection holds neither locks nor an old state between two queries.
        return () if self._address is not None and self._address.startswith("postgres") else None

    def _connect(self) -> ibis.BaseBackend:
        return self._connect_to()

    def _translated(self) -> AbstractContextManager[None]:
        return nullcontext() if self._address is None else translate_errors(self._address)


class SparkPlace(Place):
    """A folder of Parquet, or a database of Spark's catalogue."""

    kind = "spark"

    def __init__(self, address: SparkAddress) -> None:
        self._address, self.shown = address, address.shown

    @cached_property
    def files(self) -> dict[str, str]:
        """The Parquet of the folder by the names of its tables.

        Raises:
            SourceError: there is no such folder, or a name is there twice.
        """
        return files_of(self.connection, self._address)

    def tables(self) -> list[str]:
        """As :meth:`Place.tables`."""
        with explained(self._address):
            return list(self.files) if self._address.folder else table_names(self.connection)

    def open(self, name: str) -> ir.Table:
        """As :meth:`Place.open`."""
        with explained(self._address):
            if self._address.folder:
                view_parquet(self.connection, self._address, name, self.files[name])
            return without_zones(self.connection, name)

    def close(self) -> None:
        """As :meth:`Place.close`; other connections share Spark, which goes on."""

    def _connect(self) -> ibis.BaseBackend:
        return connect_spark(self._address)
