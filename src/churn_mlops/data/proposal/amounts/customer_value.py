"""The amount that a customer brings in a year, by the data: a start for `decision.customer_value`."""

from __future__ import annotations

from collections.abc import Iterator

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.engine.cell_values import read_cell
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.column_types import feature_of, type_of
from churn_mlops.suggestions import words

_YEAR = 365
_MONEY = frozenset("amount revenue paid payment charge charges fee fees spend spent billed turnover sales".split())
_QUANTITY, _PRICE = frozenset("quantity qty units pieces".split()), frozenset(["price"])


def on_customer_value(contract: HistoryContract, table_roles: TableRoles) -> list[Finding]:
    """The mean amount of a customer in the last year, for each table of events that holds amounts of money."""
    events = [role for role in table_roles.of("events") if role.name in contract.tables and role.customer is not None]
    return [found for role in events for found in _of_table(role)]


def _of_table(role: Role) -> Iterator[Finding]:
    numbers = [
        column for column in role.look.columns if column.numbers == column.present and type_of(column) == "number"
    ]
    named = _first(numbers, _MONEY)
    quantity, price = _first(numbers, _QUANTITY), _first(numbers, _PRICE)
    if named is not None:
        yield from _found(role, _number(role, named), f"{role.name}.{named.name}", named.name)
    elif quantity is not None and price is not None:
        amount = _number(role, quantity) * _number(role, price)
        yield from _found(role, amount, f"{role.name}.{price.name}", f"{quantity.name} times {price.name}")


def _first(columns: list[ColumnProfile], called: frozenset[str]) -> ColumnProfile | None:
    return next((column for column in columns if set(words(column.name)) & called), None)


def _number(role: Role, column: ColumnProfile) -> ir.NumericValue:
    return read_cell(role.look.table[column.name], feature_of(column)).value


def _found(role: Role, amount: ir.NumericValue, column: str, what: str) -> Iterator[Finding]:
    look = role.look
    rows = look.table.select(who=look.text(str(role.customer)), at=look.time(str(role.times.first)), amount=amount)
    rows = rows.filter(rows.who.notnull() & rows["at"].notnull())
    dated = rows.mutate(newest=rows["at"].max().over(ibis.window()))
    recent = dated.filter(dated["at"] > dated.newest - ibis.interval(days=_YEAR))
    each = recent.aggregate(
        total=recent.amount.sum(),
        customers=recent.who.nunique(),
        first=recent["at"].date().min(),
        last=recent["at"].date().max(),
    )
    held = each.to_pyarrow().to_pylist()[0]
    if not held["customers"] or not held["total"] or held["total"] <= 0:
        return
    mean = held["total"] / held["customers"]
    message = (
        f"a customer brought {mean:,.2f} on average from {held['first']} to {held['last']} (sum of {what} of "
        f"{held['customers']:,} customers, in the currency of the data): decision.customer_value is 500 USD until you "
        "set it in the settings; set the margin of that which a customer brings by staying"
    )
    yield Finding(column, "customer_value", message)
