"""A made-up company, and the truth about its database: who left, when it was known, which column is what."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Literal

import ibis.expr.types as ir
import numpy as np
import pyarrow as pa

from churn_mlops.data.sources.database import memory_connection
from tests.companies.known_truth.lives import FIRST, Array, Lives
from tests.companies.known_truth.names import Names

Columns = dict[str, Array]
EndKind = Literal["column", "rows", "inactive", "event"]


@dataclass
class Truth:
    """What a reader who knows the company would say of its database.

    Attributes:
        customers: the table that says who the customers are, and its column of their keys.
        end_kind: an end in a "column" of one table, the "rows" of a table of ends, "inactive" where nothing but silence
            shows it, or an "event" among other rows.
        end: table and column of the ends; of the acts where silence shows it; of the events' names.
        active: keys of the customers who are active on the clock's day.
        clock: the day of the newest thing that has happened.
        known: of each table, the columns that hold when a row was known; a table that is not named has none.
        linked: tables whose rows belong to customers, and the column that leads there.
        leaks: columns, as `table.column`, that the leaving wrote.
        same_customers: other tables, and their columns, whose values are all customers, if no table has a row for each.
        event: the name of the event that is an end, and the column of its time.
    """

    customers: tuple[str, str]
    end_kind: EndKind
    end: tuple[str, str]
    active: frozenset[str]
    clock: date
    known: dict[str, set[str]] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    leaks: set[str] = field(default_factory=set)
    event: tuple[str, str] | None = None
    same_customers: set[tuple[str, str]] = field(default_factory=set)


@dataclass
class Company:
    """A company as it is being made: shapes add columns and tables to it, and say the truth about them.

    Attributes:
        rng: draws of everything that is added.
        names: what its system calls things.
        lives: its customers.
        keys: their keys.
        tables: the columns of each table.
        shapes: what was put into it.
        truth: what its tables mean.
    """

    rng: np.random.Generator
    names: Names
    lives: Lives
    keys: Array
    tables: dict[str, Columns]
    shapes: list[str]
    truth: Truth

    @property
    def home(self) -> Columns:
        """The columns of the table of customers."""
        return self.tables[self.truth.customers[0]]

    def opened(self) -> dict[str, ir.Table]:
        """Its database, in the engine."""
        connection = memory_connection()
        return {
            name: connection.create_table(name, pa.table({column: _arrow(cells) for column, cells in columns.items()}))
            for name, columns in self.tables.items()
        }


def day(number: int) -> date:
    """The date of a day of :class:`Lives`."""
    found: date = FIRST.astype(date) + timedelta(days=int(number))
    return found


def shuffled(rng: np.random.Generator, columns: Columns) -> Columns:
    """Rows in the order of no column."""
    order = rng.permutation(len(next(iter(columns.values()))))
    return {name: cells[order] for name, cells in columns.items()}


def _arrow(cells: Array) -> pa.Array:
    return pa.array(cells.tolist()) if cells.dtype == object else pa.array(cells, from_pandas=True)
