"""The label: whether customers churned after an as-of date, from all that the tables hold now."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import CHURNED, HistoryContract, HistoryLabel, Inactivity, Involuntary
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.snapshot.churn_dates import end_of, with_churn_dates
from churn_mlops.data.snapshot.known_rows import KEY, TIME, PointInTimeTables


def churn_labels(history: PointInTimeTables, as_of: AsOf) -> ir.Table:
    """One row for each customer: `KEY` and `CHURNED` ("yes", "no", or null where it is not known).

    Raises:
        ValueError: the contract declares no label.
    """
    label = history.contract.label
    if label is None:
        raise ValueError(f"the contract {history.contract.name!r} declares no label")
    if label.inactive is not None:
        return _by_inactivity(history, label, label.inactive, as_of)
    return _by_churn_date(history, label, as_of)


def _by_churn_date(history: PointInTimeTables, label: HistoryLabel, as_of: AsOf) -> ir.Table:
    """Yes: the last spell that began before the horizon's end ended in the horizon. No: it went on."""
    declared = history.contract.tables[history.contract.customers]
    before, after = as_of.later(label.lead_days), as_of.later(label.lead_days + label.days)
    rows = with_churn_dates(history)
    # A spell that begins later does not count: a customer who came back a year later had churned.
    rows = rows.filter(after.includes(rows[TIME]))
    end = end_of(rows, declared)
    ended = after.includes(end).fill_null(False)
    spells = rows.select(
        **{KEY: rows[KEY]}, end=end, open=ended.ifelse(0, 1), involuntary=_involuntary(rows, label.involuntary)
    )
    made = spells.group_by(KEY).aggregate(
        end=spells.end.max(), open=spells.open.max(), involuntary_end=spells.end.max(where=spells.involuntary)
    )
    in_horizon = ibis.ifelse(before.includes(made.end), ibis.null("string"), _of_churner(made, label.involuntary))
    return made.select(**{KEY: made[KEY], CHURNED: ibis.ifelse(made.open == 1, ibis.literal("no"), in_horizon)})


def _involuntary(rows: ir.Table, involuntary: Involuntary | None) -> ir.BooleanValue:
    if involuntary is None:
        return ibis.literal(False)
    return as_text(rows[involuntary.column]).isin(involuntary.values).fill_null(False)


def _of_churner(made: ir.Table, involuntary: Involuntary | None) -> ir.StringValue:
    if involuntary is None or involuntary.count_as == "left":
        return ibis.literal("yes")
    other = ibis.literal("no") if involuntary.count_as == "stayed" else ibis.null("string")
    return ibis.ifelse((made.involuntary_end == made.end).fill_null(False), other, ibis.literal("yes"))


def _by_inactivity(history: PointInTimeTables, label: HistoryLabel, inactive: Inactivity, as_of: AsOf) -> ir.Table:
    """Yes where no event followed. A customer without events has no row among them, so all customers are taken."""
    before, after = as_of.later(label.lead_days), as_of.later(label.lead_days + inactive.days)
    events = history.all_rows(inactive.events)
    seen = events.filter(after.includes(events[TIME]), ~before.includes(events[TIME])).select(KEY).distinct()
    customers = history.all_rows(history.contract.customers).select(KEY).distinct()
    found = customers.left_join(seen.rename(seen=KEY), customers[KEY] == seen[KEY])
    return found.select(
        **{KEY: found[KEY], CHURNED: ibis.ifelse(found.seen.isnull(), ibis.literal("yes"), ibis.literal("no"))}
    )


def training_dates(contract: HistoryContract, first: date, last: date, every_days: int, most: int) -> list[date]:
    """As-of dates to learn from, ascending: the newest whose label is final on ``last``, and others before it.

    Args:
        contract: says when a label is final.
        first: no date lies before it.
        last: the day on which the model is trained; it is not over, so a label is final when all its days lie before.
        every_days: days from one date to the next, 1 or more.
        most: how many dates at most; the newest are taken.

    Raises:
        ValueError: the contract declares no label, or ``every_days`` is below 1.
    """
    if contract.label is None:
        raise ValueError(f"the contract {contract.name!r} declares no label")
    if every_days < 1:
        raise ValueError(f"every_days is {every_days}: give 1 or more")
    newest = last - timedelta(days=contract.label.final_after + 1)
    count = min(most, (newest - first).days // every_days + 1)
    return [newest - timedelta(days=place * every_days) for place in reversed(range(max(count, 0)))]
