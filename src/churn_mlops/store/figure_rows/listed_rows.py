"""Rows behind the use of the list: its customers, each with the latest contact."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, Subquery, case, func, select

from churn_mlops.store.database.schema import CONTACTS, PREDICTIONS, RUNS
from churn_mlops.store.figure_rows.rows import row_columns
from churn_mlops.store.figure_rows.scored_rows import ONE
from churn_mlops.store.measurements import LIST_DAYS
from churn_mlops.store.scoring.predictions import OFFER

LISTED = ("list_worked", "list_today", "list_skipped", "list_agent")


def listed_rows(name: str, part: str, last: date, until: datetime) -> Select[Any]:
    """The customers of the lists that a figure counts.

    Args:
        name: one of `LISTED`.
        part: the reason of ``list_skipped``, the principal of ``list_agent``.
        last: the date of the last list.
        until: when it was measured: contacts that were recorded later do not count.
    """
    first = last if name == "list_today" else last - timedelta(days=LIST_DAYS - 1)
    listed, contact = _listed(first, last), _latest_contact(first, until)
    counts: dict[str, ColumnElement[bool]] = {
        "list_skipped": contact.c.dismissal == part,
        "list_agent": contact.c.caller == part,
    }
    is_above = counts.get(name, contact.c.customer.is_not(None))
    columns = row_columns(
        key=listed.c.customer, customer=listed.c.customer, at=contact.c.at, by=contact.c.caller,
        result=func.coalesce(contact.c.dismissal, contact.c.result),
        above=case((is_above, 1.0), else_=0.0), below=ONE,
    )  # fmt: skip
    of_all = name in ("list_worked", "list_today")
    return select(*columns).join_from(listed, contact, contact.c.customer == listed.c.customer, isouter=of_all)


def _listed(first: date, last: date) -> Subquery:
    return (
        select(PREDICTIONS.c.customer)
        .join(RUNS, RUNS.c.id == PREDICTIONS.c.run_id)
        .where(RUNS.c.as_of.between(first, last), PREDICTIONS.c.action == OFFER)
        .distinct()
        .subquery()
    )


def _latest_contact(first: date, until: datetime) -> Subquery:
    newest = func.row_number().over(
        partition_by=CONTACTS.c.customer, order_by=(CONTACTS.c.at.desc(), CONTACTS.c.id.desc())
    )
    since = datetime.combine(first, datetime.min.time(), UTC)
    own = (CONTACTS.c.customer, CONTACTS.c.at, CONTACTS.c.caller, CONTACTS.c.result, CONTACTS.c.dismissal)
    found = (
        select(*own, newest.label("newest")).where(CONTACTS.c.at >= since, CONTACTS.c.recorded_at <= until).subquery()
    )
    return select(found).where(found.c.newest == 1).subquery()
