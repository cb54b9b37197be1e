"""Publishing a scoring run: readers see all of a date or nothing of it, whenever the process is killed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import fields
from datetime import date
from typing import Any

from sqlalchemy import Connection, delete, insert, select, update

from churn_mlops.errors import StoreError
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.database.advisory_locks import DATES, take_turn
from churn_mlops.store.database.bulk_load import (
    checked_customers,
    insert_staged,
    load,
    plain,
    refresh_statistics,
    rows_of,
)
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PREDICTIONS, RUNS
from churn_mlops.store.scoring.feature_counts import put_feature_counts
from churn_mlops.store.scoring.predictions import OFFER, Predictions
from churn_mlops.store.scoring.runs import NewRun, Run, run_from


def publish(
    store: Store,
    run: NewRun,
    batches: Iterable[Predictions],
    *,
    customers: int | None = None,
    assignments: Sequence[Assignment] = (),
    feature_counts: Mapping[str, Sequence[int]] | None = None,
    check: Callable[[], None] = lambda: None,
    clock: Clock = utc_now,
) -> Run:
    """Publish a run with its predictions in one transaction, in place of what was published for its date.

    The batches are first staged, where no reader sees them, and then moved to their place. On PostgreSQL, short writes
    such as contacts wait for neither, only for the end of the transaction; on SQLite they wait while rows are moved.

    Args:
        store: the store.
        run: what is known of the run; the totals are counted here.
        batches: the predictions, in any order; taken one at a time.
        customers: how many were scored, where ``batches`` hold only the first of them: all who are likely to churn or
            worth an offer, at least. Counted when left out.
        assignments: the arms that were drawn for the list, kept with it.
        feature_counts: by feature, the customers in each cell of the reference of the bundle; None where not counted.
        check: raises where nothing may be published any more, such as when a lock was lost; called last.
        clock: returns when it is published.

    Returns:
        the run as it was published.

    Raises:
        StoreError: the store fails, or the predictions break a rule. Earlier predictions stay as they were, as they
            do when ``batches`` raises.
    """
    counting = _Counting(batches)
    with store.staging(f"publish the predictions of {run.as_of}", PREDICTIONS) as (connection, stage):
        with connection.begin():
            load(connection, stage, counting.rows())
        with store.committing(connection, DATES):
            values = _values(run) | counting.totals(run.as_of, customers)
            run_id = _place(connection, values | {"finished_at": clock()})
            connection.execute(delete(PREDICTIONS).where(PREDICTIONS.c.run_id == run_id))
            insert_staged(connection, stage, PREDICTIONS, run_id)
            refresh_statistics(connection, PREDICTIONS)
            take_turn(connection)  # only now: a change of the list before is made, or it waits and sees this one
            _put_run(connection, run_id, values | {"finished_at": clock()})
            put_feature_counts(connection, run_id, run.started_at, feature_counts or {})
            add_assignments(connection, assignments)
            check()
            return run_from(connection.execute(select(RUNS).where(RUNS.c.id == run_id)).one())


def _values(run: NewRun) -> dict[str, Any]:
    return {field.name: getattr(run, field.name) for field in fields(NewRun)} | {"warnings": list(run.warnings)}


def _place(connection: Connection, values: dict[str, Any]) -> int:
    """The number of the run of the date, which is made where there is none."""
    found = connection.execute(select(RUNS.c.id).where(RUNS.c.as_of == values["as_of"])).scalar()
    if found is None:
        (found,) = connection.execute(insert(RUNS).values(**values)).inserted_primary_key or (0,)
    return int(found)


def _put_run(connection: Connection, run_id: int, values: dict[str, Any]) -> None:
    """Write the run over what was published for its date: the outcomes of the date stay.

    They are due again, for customers who were not scored the first time; and the list is another one.
    """
    due = dict.fromkeys(("matured_at", "checked_at", "delivered_at", "deleted_at"))
    connection.execute(update(RUNS).where(RUNS.c.id == run_id).values(**values, **due))


class _Counting:
    """The rows of batches, counted as they pass."""

    def __init__(self, batches: Iterable[Predictions]) -> None:
        self._batches = batches
        self._totals = dict.fromkeys(("customers", "likely", "worth_an_offer"), 0)

    def rows(self) -> Iterator[tuple[Any, ...]]:
        for batch in self._batches:
            given = {field.name: getattr(batch, field.name) for field in fields(batch)}
            missing = [None] * len(plain(batch.rank))
            columns = {name: missing if values is None else plain(values) for name, values in given.items()}
            columns["customer"] = checked_customers(columns["customer"])
            columns["reasons"] = [None if reasons is None else _as_json(reasons) for reasons in columns["reasons"]]
            self._totals["customers"] += len(columns["customer"])
            self._totals["likely"] += sum(columns["will_churn"])
            self._totals["worth_an_offer"] += list(columns["action"]).count(OFFER)
            yield from rows_of(list(columns.values()))

    def totals(self, as_of: date, customers: int | None) -> dict[str, Any]:
        counted = self._totals["customers"]
        if customers is not None and customers < counted:
            raise StoreError(
                f"{counted} predictions of {as_of} come from {customers} customers who were scored: one of the numbers "
                "is wrong; nothing was written"
            )
        return self._totals | {"customers": counted if customers is None else customers}


def _as_json(reasons: Any) -> str:
    try:
        return json.dumps(reasons, allow_nan=False)
    except (TypeError, ValueError) as error:
        raise StoreError(
            f"reasons of a customer are not what JSON can say ({error}): give texts, finite numbers, lists and "
            "mappings; nothing was written"
        ) from None
