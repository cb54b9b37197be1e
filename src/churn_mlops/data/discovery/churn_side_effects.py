"""Columns that a churn event writes: they separate customers who have left, or rows that have ended, from the others.

A row is changed in place, so what the leaving writes into it would stand there on every date of the past, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import ibis
import ibis.expr.types as ir
import numpy as np

from churn_mlops.data.contract import Label
from churn_mlops.data.discovery.label_candidates import LabelChoice, is_inactive, last_rows, named
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.row_owners import OWNER, with_owner
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.discovery.time_roles import Times
from churn_mlops.data.discovery.times.data_clock import come
from churn_mlops.data.engine.cell_values import text_to_number
from churn_mlops.data.leakage.univariate import (
    LEAST,
    PURE_LOOK,
    PURE_SHARE,
    codes_of,
    pure_share,
    set_for_churners,
    suspects,
)
from churn_mlops.data.profiling.sample import Sample, is_number, take_sample
from churn_mlops.data.profiling.table_profile import ColumnProfile

_ENDED = "__ended__"
_OF_SILENT = 0.9  # 9 times as often at silent customers
_FEWEST_LENGTHS, _OF_LENGTHS = 20, 0.9  # different lengths, and the share of the rows that have ended
_MOST_STATES, _OF_ENDED = 20, 0.9  # values of a status, and the share of the rows that have ended
_SURE = 3
"""A customer without a row for a third of the days of inactivity may have left: only time will show."""
_LEFT = Label(column=_ENDED, positive="yes", negative="no")


def marked_by_leaving(
    role: Role, table_roles: TableRoles, columns: Sequence[ColumnProfile], choice: LabelChoice | None = None
) -> dict[str, str]:
    """The columns among ``columns`` that give away who has left, each with what shows it.

    Args:
        role: a table with one row for each customer.
        table_roles: the tables, which say who has left; nothing is found where they do not.
        columns: of that table.
        choice: how it is decided who left; if by inactivity, customers are compared who surely left or surely did not.
    """
    held = [column for column in columns if column.kind != "other" and column.present and column.distinct]
    silent = choice if choice is not None and choice.kind == "inactive" else None
    left = who_left(table_roles) if silent is None else _gone_silent(silent, table_roles, silent.days)
    if left is None or not held:
        return {}
    rows = with_owner(role, table_roles)
    if silent is not None:
        unsure = _gone_silent(silent, table_roles, silent.days // _SURE).anti_join(left, "__left__")
        rows = rows.anti_join(unsure, rows[OWNER] == unsure["__left__"])
    joined = rows.left_join(left, rows[OWNER] == left["__left__"])
    sample = _sample(joined, joined["__left__"].notnull(), held)
    if sample is None:
        return {}
    found = {one.column: one.message for one in suspects(held, sample) if one.sure}
    if silent is not None:
        return found | _set_for_silent(held, sample)
    return found | {column.name: why for column in held if (why := _set_for_churners(column, sample)) is not None}


def marked_by_end(
    look: ProfiledTable, times: Times, columns: Sequence[ColumnProfile], newest: datetime | None = None
) -> dict[str, str]:
    """The columns among ``columns`` that the end of a row writes, each with what shows it.

    Args:
        look: a table of rows with a start and an end, such as subscriptions.
        times: the columns of both.
        columns: of that table.
        newest: an end that lies later has not come.
    """
    held = [column for column in columns if column.kind != "other" and column.present and column.distinct]
    for until in (None, newest) if held else ():  # if all ends are named ahead, those that have come
        end = come(look, str(times.end), until)
        sample = _sample(look.table, end.notnull(), held)
        if sample is None:
            continue
        days = end.date().delta(look.time(str(times.start or times.first)).date(), unit="day")
        filled = {column.name: why for column in held if (why := _filled_at_end(column, sample)) is not None}
        return _lengths(look, held, days) | filled
    return {}


def _filled_at_end(column: ColumnProfile, sample: Sample) -> str | None:
    values = sample.values[column.name]
    is_set = ~np.isnan(values) & ((values != 0) | (column.name not in sample.numeric))
    share = pure_share(is_set.astype(np.int64), sample)
    if share >= PURE_SHARE:
        held = f"{share:.0%} of the rows that have one, and in no other"
        return f"is filled in, or emptied, with the end: so it is in {held}"
    if column.distinct > _MOST_STATES:
        return None
    share = pure_share(codes_of(values, column.name in sample.numeric), sample)  # such as a status of "ended"
    why = f"is changed with the end: {share:.0%} of the rows that have one hold values that no other holds"
    return why if share >= _OF_ENDED else None


def _sample(rows: ir.Table, is_over: ir.BooleanValue, columns: Sequence[ColumnProfile]) -> Sample | None:
    """A sample of ``rows``, labelled by ``is_over``; None where there are too few of either."""
    marked = rows.mutate(**{_ENDED: ibis.ifelse(is_over, "yes", "no")})
    counts = marked.aggregate(all=marked.count(), left=(marked[_ENDED] == "yes").sum()).to_pyarrow().to_pylist()[0]
    gone = int(counts["left"] or 0)
    sample = take_sample(marked, columns, _LEFT, (int(counts["all"]) - gone, gone))
    return None if min(np.bincount(sample.label, minlength=2)) < LEAST else sample


def _lengths(look: ProfiledTable, columns: Sequence[ColumnProfile], days: ir.IntegerValue) -> dict[str, str]:
    """The columns of numbers that are the days from the start to the end of a row.

    Columns of few values are left out: they may be terms, which are known from the start.
    """
    able = [column for column in columns if is_number(column) and column.distinct >= _FEWEST_LENGTHS]
    if not able:
        return {}
    numbers = {column.name: text_to_number(look.text(column.name), column.written.number_format) for column in able}
    near = {name: (number - days).abs() <= 1 for name, number in numbers.items()}
    shares = look.table.aggregate(**{name: same.cast("int32").mean() for name, same in near.items()})
    found = shares.to_pyarrow().to_pylist()[0]
    return {name: "is the days from the start to the end" for name in near if (found[name] or 0) >= _OF_LENGTHS}


def _set_for_churners(column: ColumnProfile, sample: Sample) -> str | None:
    values = sample.values[column.name]
    often = set_for_churners(values, sample)
    share = often if often >= PURE_LOOK else set_for_churners(values, sample, least=LEAST)
    marked = share >= (PURE_LOOK if share == often else PURE_SHARE)  # where few left, it must be most of them
    return f"is set for customers who have left only, {share:.1%} of them" if marked else None


def _set_for_silent(columns: Sequence[ColumnProfile], sample: Sample) -> dict[str, str]:
    """Columns with values that are far more frequent at silent customers; some of the others have just left, too."""
    stayed, left = np.bincount(sample.label, minlength=2) / sample.label.size
    balanced = replace(sample, weights=(1 / stayed, 1 / left))
    found = {}
    for column in columns:
        values = sample.values[column.name]
        of_values = codes_of(values, column.name in sample.numeric)
        set_ = (~np.isnan(values)).astype(np.int64)
        pure = max(pure_share(codes, balanced, LEAST, _OF_SILENT) for codes in (of_values, set_))
        share = max(pure, set_for_churners(values, balanced, _OF_SILENT, LEAST))
        if share >= PURE_SHARE:
            found[column.name] = (
                f"has values at {share:.0%} of the customers without recent rows that are "
                f"{_OF_SILENT / (1 - _OF_SILENT):.0f} times as rare at the others"
            )
    return found


def _gone_silent(choice: LabelChoice, table_roles: TableRoles, days: int) -> ir.Table:
    """The customers who have had no row for so many days, each once, as ``__left__``."""
    held = last_rows(choice.role, table_roles)
    return held.filter(is_inactive(held, days)).select(__left__="who")


def who_left(table_roles: TableRoles) -> ir.Table | None:
    """The customers who have left, each once, as ``__left__``; None if no table holds an end."""
    home = table_roles.customers
    end = home.times.end
    if end is not None:
        at = come(home.look, end, table_roles.newest)
        rows = home.look.table.select(__left__=home.look.text(str(home.customer)), end=at)
        each = rows.group_by("__left__").agg(open=rows.end.isnull().any())
        return each.filter(~each.open, each["__left__"].notnull()).select("__left__")
    tables = [named(ends, table_roles).select(__left__="who") for ends in table_roles.of("ends")]
    return ibis.union(*tables, distinct=True) if len(tables) > 1 else tables[0].distinct() if tables else None
