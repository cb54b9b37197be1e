"""The features of one table, all of them by one group-by of its rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import and_

import ibis
import ibis.expr.types as ir

from churn_mlops.data.snapshot.aggregate_functions import Aggregate, named, parts_of
from churn_mlops.data.snapshot.known_rows import KEY, KNOWN, TIME, PointInTimeTables, matches, times_of

Aggregates = Mapping[str, Aggregate]
_KEPT = "kept"


def aggregated(history: PointInTimeTables, rows: ir.Table, aggregates: Aggregates) -> ir.Table:
    """One row for each customer who has rows in time, and for the only customer: `KEY` and each feature under its name.

    Numbers are float64, booleans boolean, categories text.

    Args:
        history: says whether the rows are of all customers.
        rows: those of the features' table that count, with `KEY` and `TIME`.
        aggregates: by feature, all of one as-of date; of all rows, not of the latest one alone.
    """
    days = [one.feature.longest_days for one in aggregates.values()]
    known = [one for one in days if one is not None]
    if len(known) == len(days):
        rows = rows.filter(_first(aggregates).as_of.within(rows[TIME], max(known)))
    return _gathered(history, _with_inputs(rows, aggregates, (KEY, TIME)), aggregates)


def of_latest_row(history: PointInTimeTables, rows: ir.Table, aggregates: Aggregates) -> ir.Table:
    """As :func:`aggregated`, of each customer's latest row.

    That is the row of the latest time, then the one that was known last; of several such rows, all are gathered.

    Args:
        history: says whether the rows are of all customers.
        rows: those of the features' table that count, with `KEY`, `TIME` and `KNOWN`.
        aggregates: by feature, all of one as-of date; of the latest row, and with the same `where`.
    """
    first = _first(aggregates)
    if first.where:
        rows = rows.filter(matches(rows, first.where))
    # Only what is needed goes on: an engine may keep these rows while it looks for the latest.
    rows = _with_inputs(rows, aggregates, (KEY, TIME, KNOWN))
    return _gathered(history, _latest(history, rows, times_of(first.table)), aggregates)


def _first(aggregates: Aggregates) -> Aggregate:
    return next(iter(aggregates.values()))


def _latest(history: PointInTimeTables, rows: ir.Table, names: Sequence[str]) -> ir.Table:
    """Each customer's rows of their greatest first of ``names``, and among these of the greatest next one."""
    if history.customer is not None:
        return rows.filter(ibis.rank().over(order_by=[rows[name].desc() for name in names]) == 0)
    for name in names:  # by a group-by and a join: a window would sort the rows of all customers
        greatest = rows.group_by(KEY).aggregate(greatest=rows[name].max())
        rows = rows.semi_join(greatest, [rows[KEY] == greatest[KEY], rows[name] == greatest.greatest])
    return rows


def _with_inputs(rows: ir.Table, aggregates: Aggregates, own: tuple[str, ...]) -> ir.Table:
    """The columns ``own``, and what each aggregate needs of a row.

    They are a selection of their own, from which the group-by reads: the meaning of a cell stands in the SQL once.
    """
    found: dict[str, ir.Value] = {name: rows[name] for name in own}
    for place, one in enumerate(aggregates.values()):
        kept = {_KEPT: matches(rows, one.where)} if one.where and not one.latest_row else {}
        found |= named(_prefix(place), one.inputs(rows) | kept)
    return rows.select(**found)


def _gathered(history: PointInTimeTables, rows: ir.Table, aggregates: Aggregates) -> ir.Table:
    """The values gathered from each customer's rows, and the features computed from them."""
    metrics: dict[str, ir.Value] = {}
    for place, one in enumerate(aggregates.values()):
        inputs = parts_of(_prefix(place), _columns(rows))
        conditions = list(_conditions(rows, one, inputs.get(_KEPT)))
        metrics |= named(_prefix(place), one.gather(rows, inputs, reduce(and_, conditions) if conditions else None))
    made = history.of_each_customer(rows, **metrics)
    features = {
        name: one.finish(parts_of(_prefix(place), _columns(made)))
        for place, (name, one) in enumerate(aggregates.items())
    }
    return made.select(**{KEY: made[KEY]}, **features)


def _conditions(rows: ir.Table, one: Aggregate, kept: ir.Value | None) -> Iterator[ir.Value]:
    if kept is not None:
        yield kept
    if one.feature.days is not None:
        yield one.as_of.within(rows[TIME], one.feature.days)


def _prefix(place: int) -> str:
    # Not the feature's name: PostgreSQL cuts a name of more than 63 bytes.
    return f"f{place}"


def _columns(rows: ir.Table) -> dict[str, ir.Value]:
    return {name: rows[name] for name in rows.columns}
