"""Outcomes of published predictions: once the labels of a date are final, they are recorded in the store."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache, partial
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import LEFT, HistoryContract, load_contract
from churn_mlops.data.snapshot.final_labels import labels_of
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.spark import is_spark, spark_running
from churn_mlops.errors import NoSuchJobError
from churn_mlops.pipelines.erasure.suppression import (
    ErasedMeanwhileError,
    no_erasure_since,
    suppressed_customers,
    tables_without,
)
from churn_mlops.pipelines.inputs.as_of import loaded_until
from churn_mlops.pipelines.inputs.open_source import open_history
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.pipelines.outcomes.spark import labels_from_spark
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.scoring.outcomes import Labels, Recorded, record_labels, runs_due
from churn_mlops.store.suppression.tombstones import Tombstones

log = structlog.get_logger("churn_mlops.pipelines")
RECHECK_DAYS = 90
BATCH_ROWS = 50_000


@dataclass(frozen=True)
class DateOutcomes:
    """The outcomes of one date: how many are new, unchanged or changed."""

    as_of: date
    recorded: Recorded


@recorded("mature")
def record_outcomes(
    settings: Settings, *, now: datetime | None = None, recheck_days: int = RECHECK_DAYS
) -> list[DateOutcomes]:
    """Record the outcomes of every published date whose labels are final; compare recent ones with the source again.

    Args:
        settings: source, contract and store.
        now: the present, with a time zone.
        recheck_days: for how many more days the outcomes of a date are compared again; a label that changed is recorded
            with both values.

    Raises:
        NoSuchJobError: the contract declares a flat table, which has no dates.
        ChurnError: source or store fail; outcomes that were recorded before that stay.
    """
    contract = load_contract(settings.contract.path)
    if not isinstance(contract, HistoryContract) or contract.label is None:
        raise NoSuchJobError(
            f"{settings.contract.path} declares a flat table, which does not say when customers left: outcomes can be "
            "recorded only if the contract declares a history with a label (docs/history.md)"
        )
    now = now or datetime.now(UTC)
    found = []
    with spark_running(settings.source.url):
        tables = open_history(settings.source, contract)
        with read_whole(settings.source.url):
            day = now.astimezone(ZoneInfo(contract.time_zone)).date()
            today = loaded_until(settings.source.as_of, tables, contract, day)
        with open_store(settings.store.url) as store, scoring_lock(store, "maturing"):
            suppressed_customers(
                settings, store
            )  # also if nothing is due: erased customers may be back with a restored backup
            without = cache(lambda suppressed: tables_without(tables, contract, suppressed))
            for day in runs_due(store, contract.label.final_after + 1, today, recheck_days=recheck_days):
                recorded = _recorded(settings, store, without, contract, day, now)
                found.append(DateOutcomes(day, recorded))
                if recorded.changed:
                    log.warning("final_labels_changed", as_of=str(day), customers=recorded.changed)
    return found


def _recorded(
    settings: Settings,
    store: Store,
    without: Callable[[Tombstones], Mapping[str, ir.Table]],
    contract: HistoryContract,
    day: date,
    now: datetime,
) -> Recorded:
    """Record the labels of one date; start again if a customer is erased meanwhile."""
    while True:
        suppressed = suppressed_customers(settings, store)
        labels = _labels(settings.source.url, store, partial(without, suppressed), contract, day)
        try:
            return record_labels(store, day, labels, now, check=no_erasure_since(store, suppressed))
        except ErasedMeanwhileError:
            log.info("recording_restarted", reason="a customer was erased meanwhile", as_of=str(day))


def _labels(
    address: str | None,
    store: Store,
    tables: Callable[[], Mapping[str, ir.Table]],
    contract: HistoryContract,
    day: date,
) -> Iterator[Labels]:
    if address is not None and is_spark(address):  # only customers whose predictions are in the store
        yield from labels_from_spark(address, store, tables(), contract, day)
        return
    with read_whole(
        address
    ):  # here: the store pulls the labels while it writes, and a failing source is not the store's fault
        rows = labels_of(tables(), contract, day).to_pyarrow()
    for first in range(0, len(rows), BATCH_ROWS):
        part = rows.slice(first, BATCH_ROWS)
        left = [None if text is None else text == "yes" for text in part.column(LEFT).to_pylist()]
        yield Labels(part.column(contract.customer).to_pylist(), left)
