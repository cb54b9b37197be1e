"""The rows of a history that were known at an as-of date, each with its customer, its time and its recorded time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract, HistoryTable, Through, Where
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.normal_forms import normal_form
from churn_mlops.data.engine.timestamps import time_of

KEY = "__customer__"
"""The customer of a row, as the engine joins it best; :attr:`PointInTimeTables.key` says how it is made."""
TIME = "__time__"
KNOWN = "__known__"
_LINK = "__link__"
_VERSION = "__version__"
_ALL_ROWS = 2**40
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class PointInTimeTables:
    """The tables of a history, read as they were known at a date, for all customers or for one.

    Args:
        tables: each table of the contract by its key, all of one connection.
        contract: what they mean.
        customer: the key of the only customer, as :meth:`key` makes it; all customers when None.
        normal: the columns (table, column) of customers and links whose every text is written as ``as_text`` writes it:
            they are compared as they stand, which an index serves.
    """

    tables: Mapping[str, ir.Table]
    contract: HistoryContract
    customer: ir.Value | None = None
    normal: frozenset[tuple[str, str]] = frozenset()

    def rows_known_at(self, name: str, as_of: AsOf) -> ir.Table:
        """The rows of table ``name`` that had happened and were recorded; with `KEY`, `TIME` and `KNOWN`."""
        declared, rows = self.contract.tables[name], self._with_times(name)
        known = rows.filter(*(as_of.includes(rows[time]) for time in times_of(declared)))
        return self._of_customers(name, known, as_of)

    def all_rows(self, name: str) -> ir.Table:
        """Every row of table ``name`` that belongs to a customer, whenever it happened and was recorded: for labels."""
        return self._of_customers(name, self._with_times(name), None)

    def _with_times(self, name: str) -> ir.Table:
        declared, table = self.contract.tables[name], newest_versions(self._looked_up(name), self.contract.tables[name])
        time = time_of(table, declared.time, declared)
        known = time if declared.known == declared.time else time_of(table, declared.known, declared)
        rows = table.filter(matches(table, declared.where)) if declared.where else table
        return rows.mutate(**{TIME: _after_trial(table, time, declared), KNOWN: known})

    def _looked_up(self, name: str) -> ir.Table:
        """Table ``name``, with the rows of the only customer alone where the table names its customers itself."""
        declared, table = self.contract.tables[name], self.tables[name]
        if self.customer is None or declared.through is not None:
            return table
        key = self.looked_up_by(name, table[customer_column(self.contract, declared)])
        # DuckDB uses an index only where no other condition reaches the table, and none passes a limit.
        return table.filter(key == self.customer).limit(_ALL_ROWS)

    def _of_customers(self, name: str, rows: ir.Table, as_of: AsOf | None) -> ir.Table:
        declared = self.contract.tables[name]
        if declared.through is None:
            column = customer_column(self.contract, declared)
            # Before the key is made, which costs; a blank key becomes null, and belongs to no customer.
            found = rows.filter(rows[column].notnull()) if self.customer is None else rows
            return found.mutate(**{KEY: self.key(name, found[column])})
        through = declared.through
        linking = self.all_rows(through.table) if as_of is None else self.rows_known_at(through.table, as_of)
        left, right = self.looked_up_by(name, rows[through.column]), linking[through.key]
        if self._links_are_texts(through, rows):
            right = normal_form(self._text(through.table, right), through.normal_form)
        # Each link once: a table of several versions of a row would count the linked rows as often.
        pairs = linking.select(**{_LINK: right, KEY: linking[KEY]}).distinct()
        return rows.inner_join(pairs, left == pairs[_LINK]).drop(_LINK)

    def of_each_customer(self, rows: ir.Table, **values: ir.Value) -> ir.Table:
        """``values`` of each customer's rows, with `KEY`; the only customer has one row even where ``rows`` are none.

        Args:
            rows: with `KEY`.
            values: aggregates.
        """
        if self.customer is None:
            return rows.group_by(KEY).aggregate(**values)
        # All rows are one group. A table of groups takes DuckDB 2 MB, which it writes before it reads a row.
        return rows.aggregate(**{KEY: rows[KEY].max()}, **values)

    def is_same_customer(self, left: ir.Table, right: ir.Table) -> ir.BooleanValue:
        """Whether a row of ``left`` and one of ``right`` are of one customer: all rows of the only customer are."""
        return left[KEY] == right[KEY] if self.customer is None else ibis.literal(True)

    def of_customer(self, key: ir.Value) -> PointInTimeTables:
        """These tables for the only customer whose :meth:`key` is ``key``."""
        return replace(self, customer=key)

    def key_of(self, customer: str) -> int | str | None:
        """As :func:`key_of`."""
        return key_of(customer, whole=self.key_is_whole)

    def key_value(self, customer: str) -> ir.Value:
        """:meth:`key_of` as a value of a statement."""
        return ibis.literal(self.key_of(customer), type="int64" if self.key_is_whole else "string")

    def key(self, name: str, column: ir.Column) -> ir.Column:
        """The customer in ``column`` of table ``name``.

        A whole number where all tables hold such, else a text without outer blanks, null where it is blank.
        """
        return column.cast("int64") if self.key_is_whole else self._text(name, column)

    def looked_up_by(self, name: str, column: ir.Column) -> ir.Column:
        """The value of ``column``, the customer or the link of table ``name``, by which its rows are looked up."""
        through = self.contract.tables[name].through
        if through is None:
            return column if self.key_is_whole else self._text(name, column)
        if not self._links_are_texts(through, self.tables[name]):
            return column
        return normal_form(self._text(name, column), through.normal_form)

    def _links_are_texts(self, through: Through, rows: ir.Table) -> bool:
        kinds = rows[through.column].type(), self.tables[through.table][through.key].type()
        return any(kind.is_string() for kind in kinds) or through.normal_form is not None

    def _text(self, name: str, column: ir.Column) -> ir.StringColumn:
        stands = column.type().is_string() and (name, column.get_name()) in self.normal
        return column if stands else as_text(column)

    @cached_property
    def key_is_whole(self) -> bool:
        """Whether keys are whole numbers; else they are texts."""
        kinds = [
            self.tables[name][customer_column(self.contract, table)].type()
            for name, table in self.contract.tables.items()
            if table.through is None
        ]
        return all(kind.is_integer() for kind in kinds)


def times_of(declared: HistoryTable) -> tuple[str, ...]:
    """The columns that say when a row happened and when it was recorded: one where both are the same."""
    return (TIME,) if declared.known == declared.time else (TIME, KNOWN)


def key_of(customer: str, *, whole: bool) -> int | str | None:
    """The key of the customer who is called ``customer``, a whole number or a text; None where no key can be theirs."""
    if not whole:
        return customer.strip() or None
    return int(customer) if _WHOLE_NUMBER.fullmatch(customer) else None


def kept_rows(table: ir.Table, declared: HistoryTable) -> ir.Table:
    """The rows of ``table`` that ``declared`` keeps: their newest versions, where its `where` matches."""
    rows = newest_versions(table, declared)
    return rows.filter(matches(rows, declared.where)) if declared.where else rows


def newest_versions(table: ir.Table, declared: HistoryTable) -> ir.Table:
    """The newest version of each row of ``table``; all rows if ``declared`` has no `versions`."""
    if declared.versions is None:
        return table
    at = table[declared.versions.by]
    others = [name for name in (declared.end, *declared.where) if name in table.columns]  # for versions of one time
    newest = [at]
    if at.type().is_string():  # a time, or the digits of a number, of which the longer one is greater
        newest = [time_of(table, declared.versions.by, declared), as_text(at).length(), as_text(at)]
    order = [one.desc(nulls_first=False) for one in (*newest, *(as_text(table[name]) for name in others))]
    rank = ibis.row_number().over(ibis.window(group_by=table[declared.versions.key], order_by=order))
    ranked = table.mutate(**{_VERSION: rank})
    return ranked.filter(ranked[_VERSION] == 0).drop(_VERSION)


def _after_trial(table: ir.Table, time: ir.TimestampValue, declared: HistoryTable) -> ir.TimestampValue:
    """The time of a row of customers, not before the end of its trial."""
    if declared.trial_end is None:
        return time
    trial = time_of(table, declared.trial_end, declared)
    return ibis.ifelse((trial > time).fill_null(False), trial, time)


def matches(table: ir.Table, where: Where) -> ir.BooleanValue:
    """Whether the text of each named column is one of the values."""
    found: ir.BooleanValue = ibis.literal(True)
    for name, values in where.items():
        column = table[name]
        alike = as_text(column).isin(values)
        found = found & (column.isin(values) | alike if column.type().is_string() else alike)
    return found


def customer_column(contract: HistoryContract, table: HistoryTable) -> str:
    """The column of ``table`` that holds the customer ID, where no other table leads to it."""
    return table.customer or contract.customer
