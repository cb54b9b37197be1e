"""The amount that a customer brings in a year, by the data: a start for `decision.customer_value`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import HistoryContract, HistoryFeature, Where
from churn_mlops.data.discovery.table_roles import Role, TableRoles
from churn_mlops.data.engine.cell_values import as_text, read_cell
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.name_signals import names_total_price
from churn_mlops.data.profiling.quantity_names import names_quantity
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.proposal.amount_parts import by_status
from churn_mlops.data.proposal.column_types import feature_of, type_of
from churn_mlops.suggestions import words

_YEAR = 365
_MONEY = frozenset("amount revenue paid payment charge charges fee fees spend spent billed turnover sales".split())
_PERHAPS = frozenset("value total totals gross net dollar dollars euro euros usd eur gbp chf".split())
_NOT_PAID = frozenset("discount disc tax taxes vat refund refunds cost costs balance shipping credit average".split())
_ALL_CENTS = 0.99  # of the amounts, so many have two decimals at most
_QUANTITY, _PRICE = frozenset("quantity qty units pieces".split()), frozenset(["price"])


@dataclass(frozen=True)
class _Amount:
    """Amounts of a table: the expression, the column, its words in the finding, and what else may be counted in."""

    value: ir.NumericValue
    column: str
    said: str
    other: tuple[ir.NumericValue, str] | None = None
    asked: bool = False


def on_customer_value(contract: HistoryContract, table_roles: TableRoles) -> list[Finding]:
    """The mean amount of a customer in the last year, for each table of events that holds amounts of money."""
    events = [role for role in table_roles.of("events") if role.name in contract.tables and role.customer is not None]
    return [found for role in events for amount in _amounts(role, contract) for found in _found(role, amount)]


def _amounts(role: Role, contract: HistoryContract) -> list[_Amount]:
    """Sums so far, which mix no currencies: those called money, or probably money; otherwise quantity times price."""
    sums = [one for one in contract.features.values() if one.sum is not None and one.days is None]
    sums = [one for one in sums if one.reads[0] == role.name]
    of_money = [one for one in sums if _is_money(str(one.reads[1]))]
    of_money = of_money or [one for one in sums if _is_perhaps_money(str(one.reads[1])) and _is_in_cents(role, one)]
    if of_money:
        return [_of_sum(role, one) for one in of_money]
    numbers = [
        column for column in role.look.columns if column.numbers == column.present and type_of(column) == "number"
    ]
    quantity, price = _first(numbers, _QUANTITY), _first(numbers, _PRICE)
    if quantity is not None and price is not None:
        value = _number(role, quantity) * _number(role, price)
        return [_Amount(value, price.name, f"{quantity.name} times {price.name}")]
    unnamed = [one for one in sums if not _is_no_money(str(one.reads[1])) and _is_in_cents(role, one)]
    return [replace(_of_sum(role, one), asked=True) for one in unnamed[:1]]


def _is_money(name: str) -> bool:
    return bool(set(words(name)) & _MONEY) or names_total_price(name)


def _is_perhaps_money(name: str) -> bool:
    return bool(set(words(name)) & _PERHAPS) and not set(words(name)) & _NOT_PAID


def _is_no_money(name: str) -> bool:
    return names_quantity(name) or bool(set(words(name)) & _NOT_PAID)


def _is_in_cents(role: Role, feature: HistoryFeature) -> bool:
    """Whether the numbers that ``feature`` adds up are written as money is: none below zero, with two decimals."""
    column = role.look.profile[str(feature.reads[1])]
    if column.whole or (column.smallest or 0) < 0:
        return False
    cents = read_cell(role.look.table[column.name], feature).value * 100
    whole = (cents - cents.round()).abs() < 1e-6 * (1 + cents.abs())
    share = role.look.table.aggregate(share=whole.cast("float64").mean()).to_pyarrow()["share"][0].as_py()
    return share is not None and share >= _ALL_CENTS


def _of_sum(role: Role, feature: HistoryFeature) -> _Amount:
    """The amounts of ``feature``; without those that did not come in, where every status shows it."""
    name = str(feature.reads[1])
    amount = read_cell(role.look.table[name], feature).value
    divided = next((one for one in by_status(role.look) if one.turned), None)
    everything = feature.where
    if divided is None or not divided.came_in:
        return _Amount(_where(role, amount, everything), name, _named(name, everything))
    kept = divided.came_in if divided.is_clear else tuple(text for text in divided.keep if text not in divided.turned)
    fewer = {**everything, divided.column.name: kept}
    both = [(_where(role, amount, rows), rows) for rows in (fewer, everything)]
    turned = " or ".join(divided.turned)
    if divided.is_clear:
        return _Amount(both[0][0], name, _named(name, fewer), (both[1][0], f"with {turned}"))
    return _Amount(both[1][0], name, _named(name, everything), (both[0][0], f"without {turned}"))


def _named(name: str, where: Where) -> str:
    rows = " and ".join(f"{column} is {' or '.join(texts)}" for column, texts in where.items())
    return f"{name}{f' where {rows}' if rows else ''}"


def _where(role: Role, amount: ir.NumericValue, where: Where) -> ir.NumericValue:
    for column, texts in where.items():
        kept = as_text(role.look.table[column]).isin(texts)
        amount = ibis.ifelse(kept.fill_null(False), amount, ibis.null("float64"))
    return amount


def _first(columns: list[ColumnProfile], called: frozenset[str]) -> ColumnProfile | None:
    return next((column for column in columns if set(words(column.name)) & called), None)


def _number(role: Role, column: ColumnProfile) -> ir.NumericValue:
    return read_cell(role.look.table[column.name], feature_of(column)).value


def _found(role: Role, amount: _Amount) -> Iterator[Finding]:
    held = _of_last_year(role, amount)
    if not held["customers"] or not held["total"] or held["total"] <= 0:
        return
    mean = held["total"] / held["customers"]
    other = f"; {amount.other[1]}, {(held['other'] or 0) / held['customers']:,.2f}" if amount.other is not None else ""
    asked = f"is {amount.column} what a customer paid? Then " if amount.asked else ""
    message = (
        f"{asked}a customer brought {mean:,.2f} on average from {held['first']} to {held['last']} (sum of "
        f"{amount.said} of {held['customers']:,} customers, in the currency of the data{other}): "
        "decision.customer_value is 500 USD until you set it in the settings; set the margin of that which a customer "
        "brings by staying"
    )
    yield Finding(f"{role.name}.{amount.column}", "customer_value", message)


def _of_last_year(role: Role, amount: _Amount) -> dict[str, Any]:
    """The ``total`` and the ``other`` total of the last year, its ``customers``, its ``first`` and ``last`` day."""
    look = role.look
    other = amount.other[0] if amount.other is not None else ibis.null("float64")
    who, at = look.text(str(role.customer)), look.time(str(role.times.first))
    rows = look.table.select(who=who, at=at, amount=amount.value, other=other)
    rows = rows.filter(rows.who.notnull() & rows["at"].notnull())
    dated = rows.mutate(newest=rows["at"].max().over(ibis.window()))
    recent = dated.filter(dated["at"] > dated.newest - ibis.interval(days=_YEAR))
    each = recent.aggregate(
        total=recent.amount.sum(),
        other=recent.other.sum(),
        customers=recent.who.nunique(),
        first=recent["at"].date().min(),
        last=recent["at"].date().max(),
    )
    held: dict[str, Any] = each.to_pyarrow().to_pylist()[0]
    return held
