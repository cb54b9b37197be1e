"""The indexes of a database for looking up one customer."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, suppress

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.snapshot.missing_indexes import MissingIndex, missing_indexes
from churn_mlops.data.sources.files import chosen_table
from churn_mlops.data.sources.history_tables import open_tables_at
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import ChurnError
from churn_mlops.pipelines.doctor.findings import Finding


def indexes_found(settings: Settings) -> Iterator[Finding]:
    """A warning for each large table that ``GET /customers/{id}/risk`` would read as a whole."""
    with suppress(ChurnError, OSError):  # what keeps the source or the contract from being read is a finding already
        for one in _missing(settings):
            found = f"{one.table} has no index on {one.column}, so all its {one.rows:,} rows are read for one customer"
            if one.statement is None:
                advice = "it is a view: make the index on the table that it reads"
            else:
                advice = f"run {one.statement}; then ANALYZE {one.table}"
            yield Finding(f"index of {one.table}", "warning", found, advice)


def _missing(settings: Settings) -> list[MissingIndex]:
    contract, address = load_contract(settings.contract.path), settings.source.url
    if address is None:
        return []
    with closing(resolve(address)) as place:
        if place.kind != "database":
            return []
        if isinstance(contract, HistoryContract):
            return missing_indexes(open_tables_at(place, contract), contract)
        name = chosen_table(place.shown, place.tables(), settings.source.table)
        return [] if contract.customer is None else missing_indexes({name: place.open(name)}, contract, name)
