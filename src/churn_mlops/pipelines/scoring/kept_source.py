"""An open source that customers are looked up in: statements compiled once, on connections that stay open."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import ibis
import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import RENEWAL, DataContract, HistoryContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.snapshot.key_lookup import Key, with_key_index, with_key_indexes
from churn_mlops.data.snapshot.one_customer import PreparedCustomer, prepare_row, prepare_snapshot
from churn_mlops.data.sources.files import quoted
from churn_mlops.data.sources.history_tables import open_tables_at, set_time_zone, shown_contract
from churn_mlops.data.sources.open import open_table_at
from churn_mlops.data.sources.place import Place, Version
from churn_mlops.errors import SourceError
from churn_mlops.pipelines.inputs.as_of import as_of_date, day_of_table
from churn_mlops.pipelines.inputs.open_source import resolve_source
from churn_mlops.pipelines.scoring.score import run_date
from churn_mlops.suggestions import did_you_mean

Contract = DataContract | HistoryContract
NO_RENEWAL = date(2099, 1, 1)
"""From this day on, a date stands for none, as with the ends of customers."""
Read = Callable[[str, date, datetime], dict[str, Any] | None]


@dataclass(frozen=True)
class CustomerRow:
    """One customer.

    Args:
        values: the features by name; None is a missing value.
        as_of: the as-of date.
        renews_on: when their contract renews or ends, by what was known on the as-of date; None where it is unknown.
    """

    values: Mapping[str, Any]
    as_of: date
    renews_on: date | None = None

    @classmethod
    def of_snapshot(cls, row: Mapping[str, Any], as_of: date) -> CustomerRow:
        """The customer of a row of the snapshot, with the days since the renewal where the contract names it."""
        values = dict(row)
        return cls(values, as_of, _renewal(values.pop(RENEWAL, None), as_of))


@dataclass(frozen=True)
class _Connection:
    """A connection that stays open, and the statement on it."""

    read: Read
    close: Callable[[], None]
    used_at: float = 0.0


def _renewal(days_since: float | None, as_of: date) -> date | None:
    """The day of a renewal to come; the days far ahead that stand for none, and the past, are none."""
    if days_since is None or days_since > 0:
        return None
    found = as_of + timedelta(days=-days_since)
    return found if found < NO_RENEWAL else None


class KeptSource:
    """The source as of one version of its files, its tables checked against the contract; several threads may read.

    Args:
        settings: of the section ``source``.
        place: where the source is, as ``Place.to_keep`` gives it.
        version: of its files.
        contract: of the model.
        earlier: the source as it was opened before; its statement is used again where the tables are alike.
        now: the present, with a time zone.
        idle_seconds: longest rest of a connection to a server: a network may drop it silently, and a query would hang.

    Raises:
        SourceError: the source cannot be read, or has no column of customers.
        ContractError: it does not fit the contract.
    """

    def __init__(
        self,
        settings: Settings,
        place: Place,
        version: Version,
        contract: Contract,
        earlier: KeptSource | None,
        now: datetime,
        *,
        idle_seconds: float,
    ) -> None:
        self.version, self.contract, self.opened_at = version, contract, time.monotonic()
        self._settings, self._place, self._idle_seconds = settings, place, idle_seconds
        self._idle: list[_Connection] = []  # a thread takes one out and puts it back
        self._lock, self._closed = threading.Lock(), False
        self._shown: Contract = contract
        self._tables, normal = self._open()
        self._signature = (
            self._shown,
            normal,
            [ibis.to_sql(table) for table in self._tables.values()],
            self._schemas(),
        )
        alike = earlier is not None and earlier._signature == self._signature
        self._prepared: PreparedCustomer = earlier._prepared if earlier is not None and alike else self._prepare(normal)
        self._days: dict[date, date] = {}
        self._day(now)
        place.settle()
        if self.is_of_server:
            self._idle.append(self._on_server(place.connection, time.monotonic()))

    @property
    def is_of_server(self) -> bool:
        """Whether the source is a database on a server, whose changes no version shows."""
        return not self.version

    def read(self, customer: str, now: datetime) -> CustomerRow | None:
        """The row of ``customer`` at ``now``; None if they are not active."""
        day = self._day(now)
        with self._connection() as connection:
            row = connection.read(customer, day, now)
        if row is None or row.get(LABEL) == 1:  # the label of a flat table says that they have left
            return None
        return CustomerRow.of_snapshot(self._prepared.values(row), day)

    def close(self) -> None:
        """Close what is open; what is in use is closed after its use."""
        with self._lock:
            self._closed = True
            while self._idle:
                self._idle.pop().close()
            self._place.close()

    def _open(self) -> tuple[dict[str, ir.Table], frozenset[tuple[str, str]]]:
        """The tables by their keys, and the columns of keys in normal form."""
        ours = self._place.connection.name == "duckdb"
        if isinstance(self.contract, HistoryContract):
            tables = open_tables_at(self._place, self.contract)
            self._shown = shown_contract(tables, self.contract)
            return with_key_indexes(tables, self.contract) if ours else (tables, frozenset())
        table = open_table_at(self._place, self._settings.source.table)
        key = Key("rows", table.get_name(), customer_column(self.contract, table))
        if not ours:
            return {key.table: table}, frozenset()
        whole = table[key.column].type().is_integer()
        return {key.table: with_key_index(table, key, whole=whole)}, frozenset({(key.table, key.column)})

    def _schemas(self) -> list[ibis.Schema]:
        return [table.schema() for table in self._tables.values()]

    def _prepare(self, normal: frozenset[tuple[str, str]]) -> PreparedCustomer:
        if isinstance(self._shown, HistoryContract):
            return prepare_snapshot(self._tables, self._shown.with_renewal(), normal)
        return prepare_row(self._tables["rows"], self._shown, str(self._shown.customer), normal=bool(normal))

    def _day(self, now: datetime) -> date:
        """The as-of date; that of ``source.as_of: latest`` is looked up once, of files once for each present day."""
        if not isinstance(self.contract, HistoryContract):
            return day_of_table(self._settings.source.as_of, self.contract, now.astimezone().date())
        if self._settings.source.as_of != "latest":
            return run_date(self._settings, self._tables, self.contract, None, now)
        today = now.astimezone(ZoneInfo(self.contract.time_zone)).date()
        with self._lock:
            if not self._days or not (self.is_of_server or today in self._days):
                self._days = {today: as_of_date("latest", self._tables, self.contract, today)}
            return next(iter(self._days.values()))

    @contextmanager
    def _connection(self) -> Iterator[_Connection]:
        found = self._take() or self._connect()
        try:
            yield found
        except BaseException:
            found.close()
            raise
        with self._lock:
            if not self._closed:
                self._idle.append(_Connection(found.read, found.close, time.monotonic()))
                return
        found.close()

    def _take(self) -> _Connection | None:
        """A connection that rests; those that have rested for too long are closed."""
        with self._lock, suppress(IndexError):
            while True:
                found = self._idle.pop()
                if not self.is_of_server or time.monotonic() - found.used_at < self._idle_seconds:
                    return found
                found.close()
        return None

    def _connect(self) -> _Connection:
        if self.is_of_server:
            server = resolve_source(self._settings.source).connection
            if isinstance(self.contract, HistoryContract):
                set_time_zone(server, self.contract.time_zone)
            return self._on_server(server, 0.0)
        connection = self._place.connection.con.cursor()
        if isinstance(self.contract, HistoryContract):
            connection.execute(f"SET TimeZone = {quoted(self.contract.time_zone)}")
        return _Connection(self._prepared.on(connection), connection.close)

    def _on_server(self, server: ibis.BaseBackend, used_at: float) -> _Connection:
        # The statement is long: planned once for all customers, not again and again for each.
        with server.raw_sql("SET plan_cache_mode = force_generic_plan"):
            return _Connection(self._prepared.on(server.con), server.disconnect, used_at)


def customer_column(contract: DataContract, table: ir.Table) -> str:
    """The column of a flat ``table`` that holds the customer ID.

    Raises:
        SourceError: the contract names none, or the table has no such column.
    """
    if contract.customer is None:
        raise SourceError("the contract names no column of the customer: set `customer`, and train again")
    if contract.customer not in table.columns:
        near = did_you_mean(contract.customer, table.columns)
        raise SourceError(f"the source has no column {contract.customer!r}, which holds its customer IDs; {near}")
    return contract.customer
