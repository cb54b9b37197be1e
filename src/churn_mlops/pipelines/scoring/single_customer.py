"""One customer of the source as of now: what the daily run would read for them, without the other customers."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from datetime import UTC, date, datetime

import ibis.expr.types as ir

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.days_since import with_days_since
from churn_mlops.data.engine.typed_table import LABEL, read_snapshot
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.history_tables import open_tables_at, shown_contract
from churn_mlops.data.sources.open import open_table_at
from churn_mlops.data.sources.place import Place, Version
from churn_mlops.models.bundle import Bundle
from churn_mlops.pipelines.inputs.as_of import day_of_table
from churn_mlops.pipelines.inputs.open_source import resolve_source
from churn_mlops.pipelines.scoring.kept_source import (
    Contract,
    CustomerRow,
    KeptSource,
    customer_column,
)
from churn_mlops.pipelines.scoring.score import run_date

IDLE_SECONDS = 60.0
"""Longest rest of an open connection to a server."""
RENEW_SECONDS = 60.0
"""Age of what is known of a server (its tables, the as-of date), from which it is read again beside the answers."""
OLDEST_SECONDS = 600.0
"""Greatest age of what is known of a server: beyond it, an answer waits until it is read again."""


class CustomerReader:
    """Reads single customers of the source, which stays open between two calls; several threads may read together.

    The statement for one customer is compiled at the first call, and again where the contract or the tables changed.

    - Files: each call looks at their names, sizes and times, and opens again what has changed, has come or has gone.
      Their tables are copied into a DuckDB of our own with an index on each key, of which no more than 1 GB is held in
      memory. A file of the last two seconds may be written again under the same time: it is read as it stands, and not
      kept. So are files of more than 4 GB.
    - PostgreSQL: each call sees all rows. A lost connection, and a table or column that is missing or of another type,
      is an error of that call, which then opens the source again. The first call after
      a minute opens the source again, beside the answers: then a type that changed without an error, and a new as-of
      date of ``source.as_of: latest``, count. No answer rests on what is older than ten minutes.
    - All other databases are opened in each call.

    Args:
        settings: of the section ``source``.
        idle_seconds: longest rest of a connection to a server.
        renew_seconds: as of :data:`RENEW_SECONDS`.
    """

    def __init__(
        self, settings: Settings, idle_seconds: float = IDLE_SECONDS, renew_seconds: float = RENEW_SECONDS
    ) -> None:
        self._settings, self._idle_seconds, self._renew_seconds = settings, idle_seconds, renew_seconds
        self._kept: KeptSource | None = None
        self._opening, self._renewing = threading.Lock(), threading.Lock()

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
            version = place.to_keep().version()
            if version is None:
                return _read_once(self._settings, place, contract, customer, now)
            kept = self._kept
            if kept is None or not self._is_good(kept, version, contract):
                return self._opened(kept, version, contract, now).read(customer, now)
            try:
                row = kept.read(customer, now)
            except Exception:  # its connection was lost, or its tables changed: opened again, it shows
                if not kept.is_of_server:
                    return _read_once(self._settings, place, contract, customer, now)
                return self._opened(kept, version, contract, now).read(customer, now)
            self._renew_beside(kept)
            return row

    def close(self) -> None:
        """Close what is open."""
        with self._opening:
            if self._kept is not None:
                self._kept.close()
            self._kept = None

    def _is_good(self, kept: KeptSource, version: Version, contract: Contract) -> bool:
        same = kept.contract is contract or kept.contract == contract
        return same and kept.version == version and not (kept.is_of_server and _age(kept) > OLDEST_SECONDS)

    def _opened(self, bad: KeptSource | None, version: Version, contract: Contract, now: datetime) -> KeptSource:
        """The source, opened again in place of ``bad``, unless another thread has done so in the meantime."""
        with self._opening:
            kept = self._kept
            if kept is not None and kept is not bad and self._is_good(kept, version, contract):
                return kept
            place = resolve_source(self._settings.source).to_keep()
            try:
                found = KeptSource(self._settings, place, version, contract, kept, now, idle_seconds=self._idle_seconds)
            except BaseException:
                place.close()
                raise
            self._kept = found
            if kept is not None:
                kept.close()
            return found

    def _renew_beside(self, kept: KeptSource) -> None:
        """Open the source of a server again on a thread of its own where ``kept`` is old."""
        if kept.is_of_server and _age(kept) > self._renew_seconds and self._renewing.acquire(blocking=False):
            threading.Thread(target=self._renew, args=(kept,), name="renew-source", daemon=True).start()

    def _renew(self, kept: KeptSource) -> None:
        try:
            with suppress(Exception):  # a call finds it too, at the latest when what is known is too old
                self._opened(kept, kept.version, kept.contract, datetime.now(UTC))
        finally:
            self._renewing.release()


def _age(kept: KeptSource) -> float:
    return time.monotonic() - kept.opened_at


def _read_once(
    settings: Settings, place: Place, contract: Contract, customer: str, now: datetime
) -> CustomerRow | None:
    try:
        if isinstance(contract, HistoryContract):
            return _of_history(settings, place, contract, customer, now)
        day = day_of_table(settings.source.as_of, contract, now.astimezone().date())
        return _of_table(open_table_at(place, settings.source.table), contract, customer, day)
    finally:
        place.close()


def _of_history(
    settings: Settings, place: Place, history: HistoryContract, customer: str, now: datetime
) -> CustomerRow | None:
    tables = open_tables_at(place, history)
    day = run_date(settings, tables, history, None, now)
    shown = shown_contract(tables, history).with_renewal()
    found = read_history(tables, shown, [day], known_until=now, customer=customer).to_pylist()
    return CustomerRow.of_snapshot({name: found[0][name] for name in shown.features}, day) if found else None


def _of_table(table: ir.Table, contract: DataContract, customer: str, day: date) -> CustomerRow | None:
    column = customer_column(contract, table)
    rows = with_days_since(table.filter(as_text(table[column]) == customer.strip()), contract, AsOf(day))
    found = read_snapshot(rows, contract).to_pylist()
    if not found or found[0].get(LABEL) == 1:  # their label says that they have left
        return None
    return CustomerRow({name: found[0][name] for name in contract.features}, day)
