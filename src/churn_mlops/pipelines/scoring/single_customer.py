"""One customer of the source as of now: what the daily run would read for them, without the other customers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.data.sources.open import read_whole
from churn_mlops.errors import SourceError
from churn_mlops.models.bundle import Bundle
from churn_mlops.pipelines.inputs.open_source import open_history, open_source
from churn_mlops.pipelines.scoring.score import run_date
from churn_mlops.suggestions import did_you_mean


@dataclass(frozen=True)
class CustomerRow:
    """One customer.

    Args:
        values: the features by name; None is a missing value.
        as_of: the as-of date.
    """

    values: Mapping[str, Any]
    as_of: date


def read_customer(
    settings: Settings, customer: str, bundle: Bundle, *, now: datetime | None = None
) -> CustomerRow | None:
    """The row that ``bundle`` scores; None if the customer is not active.

    Args:
        settings: of the section ``source``.
        customer: their ID, as the source has it.
        bundle: the model, with the contract of what it reads.
        now: the present, with a time zone: nothing recorded later counts.

    Raises:
        SourceError: the source cannot be read or has lost the column of the customer, or the contract names none.
        DataError: their row does not keep the contract.
    """
    now = now or datetime.now(UTC)
    with read_whole(settings.source.url):
        if bundle.history is None:
            return _of_table(settings, customer, bundle, now.astimezone().date())
        return _of_history(settings, customer, bundle.history, now)


def _of_history(settings: Settings, customer: str, history: HistoryContract, now: datetime) -> CustomerRow | None:
    tables = open_history(settings, history)
    day = run_date(settings, tables, history, None, now)
    found = read_history(tables, history, [day], known_until=now, customer=customer).to_pylist()
    return CustomerRow({name: found[0][name] for name in history.features}, day) if found else None


def _of_table(settings: Settings, customer: str, bundle: Bundle, today: date) -> CustomerRow | None:
    contract = bundle.contract
    if contract.customer is None:
        raise SourceError("the contract names no column of the customer: set `customer`, and train again")
    table = open_source(settings)
    if contract.customer not in table.columns:
        near = did_you_mean(contract.customer, table.columns)
        raise SourceError(f"the source has no column {contract.customer!r}, which holds its customer IDs; {near}")
    found = read_snapshot(table.filter(as_text(table[contract.customer]) == customer.strip()), contract).to_pylist()
    return CustomerRow({name: found[0][name] for name in contract.features}, today) if found else None
