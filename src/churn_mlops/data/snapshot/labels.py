"""What became of customers after an as-of date, from all that the tables hold now: the label."""

from __future__ import annotations

from datetime import date, timedelta

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import LEFT, HistoryContract, HistoryLabel, Inactivity, Involuntary
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.timestamps import time_of
from churn_mlops.data.snapshot.churn_dates import customers_of
from churn_mlops.data.snapshot.known_rows import KEY, TIME, History


def left(history: History, day: date) -> ir.Table:
    """One row for each customer of whom it can be told: `KEY` and `LEFT`.

    Raises:
        ValueError: the contract declares no label.
    """
    label = history.contract.label
    if label is None:
        raise ValueError(f"the contract {history.contract.name!r} declares no label")
    if label.inactive is not None:
        return _by_silence(history, label, label.inactive, day)
    return _by_end(history, label, day)


def _by_end(history: History, label: HistoryLabel, day: date) -> ir.Table:
    """Yes: his last spell that began before the horizon's end ended in the horizon. No: it went on."""
    declared = history.contract.tables[history.contract.customers]
    before, after = (
        AsOf(day + timedelta(days=label.lead_days)),
        AsOf(day + timedelta(days=label.lead_days + label.days)),
    )
    rows = customers_of(history)
    # A spell that begins later is another story: whoever came back a year later had left all the same.
    rows = rows.filter(after.includes(rows[TIME]))
    end = time_of(rows, str(declared.end), declared)
    ended = after.includes(end).fill_null(False)
    spells = rows.select(
        **{KEY: rows[KEY]}, end=end, open=ended.ifelse(0, 1), unchosen=_unchosen(rows, label.involuntary)
    )
    made = spells.group_by(KEY).aggregate(
        end=spells.end.max(), open=spells.open.max(), unchosen=spells.end.max(where=spells.unchosen)
    )
    in_horizon = ibis.ifelse(before.includes(made.end), ibis.null("string"), _of_leaver(made, label.involuntary))
    return made.select(**{KEY: made[KEY], LEFT: ibis.ifelse(made.open == 1, ibis.literal("no"), in_horizon)})


def _unchosen(rows: ir.Table, involuntary: Involuntary | None) -> ir.BooleanValue:
    if involuntary is None:
        return ibis.literal(False)
    return as_text(rows[involuntary.column]).isin(involuntary.values).fill_null(False)


def _of_leaver(made: ir.Table, involuntary: Involuntary | None) -> ir.StringValue:
    if involuntary is None or involuntary.count_as == "left":
        return ibis.literal("yes")
    other = ibis.literal("no") if involuntary.count_as == "stayed" else ibis.null("string")
    return ibis.ifelse((made.unchosen == made.end).fill_null(False), other, ibis.literal("yes"))


def _by_silence(history: History, label: HistoryLabel, inactive: Inactivity, day: date) -> ir.Table:
    """Yes where no event followed: whoever has none is on no row of the table of events, so all customers are asked."""
    lead = timedelta(days=label.lead_days)
    before, after = AsOf(day + lead), AsOf(day + lead + timedelta(days=inactive.days))
    events = history.all_rows(inactive.events)
    seen = events.filter(after.includes(events[TIME]), ~before.includes(events[TIME])).select(KEY).distinct()
    everybody = history.all_rows(history.contract.customers).select(KEY).distinct()
    found = everybody.left_join(seen.rename(seen=KEY), everybody[KEY] == seen[KEY])
    return found.select(
        **{KEY: found[KEY], LEFT: ibis.ifelse(found.seen.isnull(), ibis.literal("yes"), ibis.literal("no"))}
    )


def matured(contract: HistoryContract, day: date, today: date) -> bool:
    """Whether the label of as-of date ``day`` is final on ``today``.

    The days that it looks ahead, and those until the database knows of an end, lie in the past; ``today`` is not over.

    Raises:
        ValueError: the contract declares no label.
    """
    if contract.label is None:
        raise ValueError(f"the contract {contract.name!r} declares no label")
    return day + timedelta(days=contract.label.matures_after) < today


def training_dates(contract: HistoryContract, first: date, last: date, every_days: int, most: int) -> list[date]:
    """As-of dates to learn from, ascending: the newest whose label is final on ``last``, and others before it.

    Args:
        contract: says when a label is final.
        first: no date lies before it.
        last: the day on which the model is trained, as ``today`` of :func:`matured`.
        every_days: days from one date to the next, 1 or more.
        most: how many dates at most; the newest are taken.

    Raises:
        ValueError: the contract declares no label, or ``every_days`` is below 1.
    """
    if contract.label is None:
        raise ValueError(f"the contract {contract.name!r} declares no label")
    if every_days < 1:
        raise ValueError(f"every_days is {every_days}: give 1 or more")
    newest = last - timedelta(days=contract.label.matures_after + 1)
    count = min(most, (newest - first).days // every_days + 1)
    return [newest - timedelta(days=place * every_days) for place in reversed(range(max(count, 0)))]
