"""The rows of a history that were known at an as-of date, each with its customer, its time and its recorded time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract, HistoryTable, Where
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.data.engine.normal_forms import normal_form
from churn_mlops.data.engine.timestamps import time_of

KEY = "__customer__"
"""The customer of a row, as the engine joins it best; :attr:`PointInTimeTables.key` says how it is made."""
TIME = "__time__"
KNOWN = "__known__"
_LINK = "__link__"
_WHOLE_NUMBER = re.compile(r"0|-?[1-9][0-9]{0,17}")


@dataclass(frozen=True)
class PointInTimeTables:
    """The tables of a history, read as they were known at a date, for all customers or for one.

    Args:
        tables: each table of the contract by its key, all of one connection.
        contract: what they mean.
        customer: the only customer; all when None.
    """

    tables: Mapping[str, ir.Table]
    contract: HistoryContract
    customer: str | None = None

    def rows_known_at(self, name: str, as_of: AsOf) -> ir.Table:
        """The rows of table ``name`` that had happened and were recorded; with `KEY`, `TIME` and `KNOWN`."""
        rows = self._with_times(name)
        return self._of_customers(name, rows.filter(as_of.includes(rows[TIME]), as_of.includes(rows[KNOWN])), as_of)

    def all_rows(self, name: str) -> ir.Table:
        """Every row of table ``name`` that belongs to a customer, whenever it happened and was recorded: for labels."""
        return self._of_customers(name, self._with_times(name), None)

    def _with_times(self, name: str) -> ir.Table:
        declared, table = self.contract.tables[name], self.tables[name]
        time = time_of(table, declared.time, declared)
        known = time if declared.known == declared.time else time_of(table, declared.known, declared)
        rows = table.filter(matches(table, declared.where)) if declared.where else table
        return rows.mutate(**{TIME: time, KNOWN: known})

    def _of_customers(self, name: str, rows: ir.Table, as_of: AsOf | None) -> ir.Table:
        declared = self.contract.tables[name]
        if declared.through is None:
            column = customer_column(self.contract, declared)
            if self.customer is None:
                # Before the key is made, which costs; a blank key becomes null, and belongs to no customer.
                return rows.filter(rows[column].notnull()).mutate(**{KEY: self.key(rows[column])})
            return rows.mutate(**{KEY: self.key(rows[column])}).filter(self._is_customer(ibis._[KEY], self.customer))
        through = declared.through
        linking = self.all_rows(through.table) if as_of is None else self.rows_known_at(through.table, as_of)
        left, right = rows[through.column], linking[through.key]
        if left.type().is_string() or right.type().is_string() or through.normal_form is not None:
            left, right = (normal_form(as_text(side), through.normal_form) for side in (left, right))
        # Each link once: a table of several versions of a row would count the linked rows as often.
        pairs = linking.select(**{_LINK: right, KEY: linking[KEY]}).distinct()
        return rows.inner_join(pairs, left == pairs[_LINK]).drop(_LINK)

    def _is_customer(self, key: ir.Column, customer: str) -> ir.BooleanValue:
        if self._key_kind != "whole":
            return key == customer.strip()
        return key == int(customer) if _WHOLE_NUMBER.fullmatch(customer) else ibis.literal(False)

    def key(self, column: ir.Column) -> ir.Column:
        """The customer in ``column``: a whole number where all tables hold such, else a text without outer blanks.

        Null where the text is blank.
        """
        return column.cast("int64") if self._key_kind == "whole" else as_text(column)

    @cached_property
    def _key_kind(self) -> str:
        kinds = [
            self.tables[name][customer_column(self.contract, table)].type()
            for name, table in self.contract.tables.items()
            if table.through is None
        ]
        return "whole" if all(kind.is_integer() for kind in kinds) else "text"


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
