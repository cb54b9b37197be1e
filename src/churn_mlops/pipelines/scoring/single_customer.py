"""One customer of the source as of now: what the daily run would read for them, without the other customers."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Any

import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.history_tables import open_tables_at
from churn_mlops.data.sources.open import open_table_at
from churn_mlops.data.sources.place import Place, Version
from churn_mlops.errors import SourceError
from churn_mlops.models.bundle import Bundle
from churn_mlops.pipelines.inputs.open_source import resolve_source
from churn_mlops.pipelines.scoring.score import run_date
from churn_mlops.suggestions import did_you_mean

IDLE_SECONDS = 60.0
"""Longest rest of an open source: a network may drop a connection silently, and a query would hang on it."""


@dataclass(frozen=True)
class CustomerRow:
    """One customer.

    Args:
        values: the features by name; None is a missing value.
        as_of: the as-of date.
    """

    values: Mapping[str, Any]
    as_of: date


@dataclass(frozen=True)
class _OpenSource:
    """The source on an open connection, its tables checked against the contract, as of a version of its files."""

    place: Place
    version: Version | None
    contract: DataContract | HistoryContract
    read: Callable[[str, datetime], CustomerRow | None]
    used_at: float = 0.0


class CustomerReader:
    """Reads single customers of the source, which stays open between two calls; several threads may read together.

    The source is opened again where its files or the contract changed, after a failure, and after a long rest. A
    DuckDB file is closed after each call: while it is open, no other program can write it.

    Args:
        settings: of the section ``source``.
        idle_seconds: longest rest of an open source.
    """

    def __init__(self, settings: Settings, idle_seconds: float = IDLE_SECONDS) -> None:
        self._settings, self._idle_seconds = settings, idle_seconds
        self._idle: list[_OpenSource] = []  # a thread takes one out and puts it back

    def read(self, customer: str, bundle: Bundle, *, now: datetime | None = None) -> CustomerRow | None:
        """The row that ``bundle`` scores; None if the customer is not active.

        Args:
            customer: their ID, as the source has it.
            bundle: the model, with the contract of what it reads.
            now: the present, with a time zone: nothing recorded later counts.

        Raises:
            SourceError: the source cannot be read or has lost the column of the customer, or the contract names none.
            DataError: their row does not keep the contract.
        """
        now = now or datetime.now(UTC)
        contract = bundle.contract if bundle.history is None else bundle.history
        with read_whole(self._settings.source.url):
            place = resolve_source(self._settings.source)
            version = place.version()
            kept = self._take(version, contract)
            if kept is not None:
                with suppress(Exception):  # its connection was lost, or its tables changed: opened again, it shows
                    return self._use(kept, customer, now)
            return self._use(self._opened(place, version, contract), customer, now)

    def close(self) -> None:
        """Close what is open."""
        while self._idle:
            self._idle.pop().place.close()

    def _take(self, version: Version | None, contract: DataContract | HistoryContract) -> _OpenSource | None:
        """An open source that is still good; those that are not are closed."""
        with suppress(IndexError):  # there is none, or another thread took the last one
            while True:
                one = self._idle.pop()
                rested = time.monotonic() - one.used_at
                if (one.version, one.contract) == (version, contract) and rested < self._idle_seconds:
                    return one
                one.place.close()
        return None

    def _opened(self, place: Place, version: Version | None, contract: DataContract | HistoryContract) -> _OpenSource:
        try:
            return _OpenSource(place, version, contract, _reading(self._settings, place, contract))
        except BaseException:
            place.close()
            raise

    def _use(self, source: _OpenSource, customer: str, now: datetime) -> CustomerRow | None:
        try:
            row = source.read(customer, now)
        except BaseException:
            source.place.close()
            raise
        if source.version is None:
            source.place.close()
        else:
            self._idle.append(replace(source, used_at=time.monotonic()))
        return row


def _reading(
    settings: Settings, place: Place, contract: DataContract | HistoryContract
) -> Callable[[str, datetime], CustomerRow | None]:
    if isinstance(contract, HistoryContract):
        return partial(_of_history, settings, open_tables_at(place, contract), contract)
    if contract.customer is None:
        raise SourceError("the contract names no column of the customer: set `customer`, and train again")
    table = open_table_at(place, settings.source.table)
    if contract.customer not in table.columns:
        near = did_you_mean(contract.customer, table.columns)
        raise SourceError(f"the source has no column {contract.customer!r}, which holds its customer IDs; {near}")
    return partial(_of_table, table, contract, contract.customer)


def _of_history(
    settings: Settings, tables: Mapping[str, ir.Table], history: HistoryContract, customer: str, now: datetime
) -> CustomerRow | None:
    day = run_date(settings, tables, history, None, now)
    found = read_history(tables, history, [day], known_until=now, customer=customer).to_pylist()
    return CustomerRow({name: found[0][name] for name in history.features}, day) if found else None


def _of_table(table: ir.Table, contract: DataContract, column: str, customer: str, now: datetime) -> CustomerRow | None:
    found = read_snapshot(table.filter(as_text(table[column]) == customer.strip()), contract).to_pylist()
    if not found or found[0].get(LABEL) == 1:  # their label says that they have left
        return None
    return CustomerRow({name: found[0][name] for name in contract.features}, now.astimezone().date())
