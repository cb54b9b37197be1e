"""The shape of a table that comes alone: events, spells with a start and an end, or a row for each customer."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import ibis.expr.types as ir

from churn_mlops.data.discovery.label_candidates import LabelChoice
from churn_mlops.data.discovery.table_roles import Role
from churn_mlops.data.discovery.time_columns import TimeColumn, time_column
from churn_mlops.data.discovery.time_roles import role_by_name
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import (
    is_word_for_customer,
    names_identifier,
    names_leaving,
    speaks_of_customer,
)
from churn_mlops.data.profiling.table_profile import profile_table
from churn_mlops.data.proposal.excluded_columns import SAFE_LEVELS
from churn_mlops.data.proposal.option_hints import SEVERAL_ROWS

_GLANCE = 20_000
_LOG_ROWS = 2  # rows of a customer, on average, from which a table is surely one of events


@dataclass(frozen=True)
class SingleTable:
    """A table that comes alone; its columns of times are looked for once."""

    table: ir.Table

    @cached_property
    def times(self) -> tuple[TimeColumn, ...]:
        """The columns of times, in their order."""
        columns = profile_table(self.table.limit(_GLANCE)).columns
        found = (time_column(self.table[column.name], column) for column in columns)
        return tuple(time for time in found if time is not None)

    def called_customer(self) -> list[str]:
        """The columns that are called like a customer ID."""
        return [column for column in self.table.columns if speaks_of_customer(column) and names_identifier(column)]

    def named_customers(self) -> list[str]:
        """The columns that may name the customer, by the first of these signs that a column has.

        It is called like a customer ID, by the mere word for a customer, such as "user", or like any ID.
        """
        columns = list(self.table.columns)
        alone = [column for column in columns if is_word_for_customer(column)]
        return self.called_customer() or alone or list(filter(names_identifier, columns))


def is_event_log(single: SingleTable, customer: str | None = None) -> str | None:
    """The column that names the customer in a table of events, with several rows for each; None in any other table.

    A quick look decides: a column called like a customer ID, or by the mere word for a customer, such as "user" (or
    ``customer``), has values that repeat, and a time differs between the rows of one customer.
    """
    table = single.table
    if customer is not None and customer not in table.columns:
        return None
    called, alone = single.called_customer(), [column for column in table.columns if is_word_for_customer(column)]
    named = [customer] if customer is not None else called or alone
    if not named or any(names_leaving(column) for column in table.columns):
        return None  # a column that speaks of leaving is a label, or may be
    who = named[0]
    present = table.filter(table[who].notnull())
    counts = present.aggregate(rows=present.count(), who=present[who].nunique()).to_pyarrow().to_pylist()[0]
    few = who not in called and customer is None and counts["who"] <= SAFE_LEVELS  # such as a member: yes or no
    if counts["rows"] < SEVERAL_ROWS * max(counts["who"], 1) or few:
        return None
    times = [time for time in single.times if time.name != who]
    once = counts["rows"] < _LOG_ROWS * counts["who"]  # most have one row only, as customers stored twice have, too
    if not times or (once and role_by_name(times[0].name) != "event"):
        return None
    both = present.select(who, times[0].name).distinct().count().to_pyarrow().as_py()
    return who if both > counts["who"] else None


def holds_spells(single: SingleTable, customer: str | None = None) -> str | None:
    """The column that names the customer in a table of spells, such as subscriptions; None in any other table.

    A spell has a time from which it runs, and one until which, by their names. A quick look decides; whether the
    customers really ended then, the proposal finds out.
    """
    columns = single.table.columns
    named = single.named_customers() if customer is None else [customer]
    if not named or named[0] not in columns:
        return None
    roles = {role_by_name(time.name) for time in single.times if time.name != named[0]}
    return named[0] if "end" in roles and roles & {"start", "valid_from"} else None


def on_refused_spells(customers: Role, choices: Sequence[LabelChoice]) -> Finding:
    """The reason why rows with a start and an end are no history, and what may make them one."""
    look = customers.look
    ways = "; ".join(map(str, choices)) or "nothing shows who left"
    what = f"the rows have a start and an end, and are not taken for a history: {ways}"
    if look.key not in (None, customers.customer):
        what += f". If each row is a customer, say `--customer {shlex.quote(str(look.key))}`"
    return Finding(None, "history", what)
