"""The amount that a customer brings in a year, by the data: a start for `decision.customer_value`."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract, HistoryFeature
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.engine.cell_values import as_text, read_cell
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import names_total_price
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.column_types import feature_of, type_of
from churn_mlops.suggestions import words

_YEAR = 365
_MONEY = frozenset("amount revenue paid payment charge charges fee fees spend spent billed turnover sales".split())
_QUANTITY, _PRICE = frozenset("quantity qty units pieces".split()), frozenset(["price"])


def on_customer_value(contract: HistoryContract, table_roles: TableRoles) -> list[Finding]:
    """The mean amount of a customer in the last year, for each table of events that holds amounts of money."""
    events = [role for role in table_roles.of("events") if role.name in contract.tables and role.customer is not None]
    return [found for role in events for found in _of_table(role, contract)]


def _of_table(role: Role, contract: HistoryContract) -> Iterator[Finding]:
    """By the sums so far that are proposed, which mix no currencies; without one, by quantity times price."""
    sums = [one for one in contract.features.values() if one.sum is not None and one.days is None]
    of_money = [one for one in sums if one.reads[0] == role.name and _is_money(str(one.reads[1]))]
    for feature in of_money:
        column = role.look.table[str(feature.reads[1])]
        amount = read_cell(column, feature).value
        kept = [as_text(role.look.table[name]).isin(texts) for name, texts in feature.where.items()]
        yield from _found(role, _where(amount, kept), str(feature.sum), _named(feature))
    numbers = [
        column for column in role.look.columns if column.numbers == column.present and type_of(column) == "number"
    ]
    quantity, price = _first(numbers, _QUANTITY), _first(numbers, _PRICE)
    if not of_money and quantity is not None and price is not None:
        amount = _number(role, quantity) * _number(role, price)
        yield from _found(role, amount, f"{role.name}.{price.name}", f"{quantity.name} times {price.name}")


def _is_money(name: str) -> bool:
    return bool(set(words(name)) & _MONEY) or names_total_price(name)


def _named(feature: HistoryFeature) -> str:
    rows = " and ".join(f"{name} is {' or '.join(texts)}" for name, texts in feature.where.items())
    return f"{feature.reads[1]}{f' where {rows}' if rows else ''}"


def _where(amount: ir.NumericValue, kept: Sequence[ir.BooleanValue]) -> ir.NumericValue:
    for condition in kept:
        amount = ibis.ifelse(condition.fill_null(False), amount, ibis.null("float64"))
    return amount


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
