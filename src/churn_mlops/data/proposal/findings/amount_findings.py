"""The questions about the amounts of a table: which rows are summed together, and which are in no sum."""

from __future__ import annotations

from collections.abc import Sequence

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.discovery.table_anomalies import of_rows
from churn_mlops.data.findings import Finding
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.proposal.amount_parts import (
    MOST_CURRENCIES,
    DividedRows,
    by_kind,
    by_status,
    currencies_of,
    currency_column,
    is_money,
)


def on_amounts(look: ProfiledTable) -> list[Finding]:
    """The questions about the amounts of a table: currencies, failed payments, returns."""
    currencies = currencies_of(look)
    amounts = [column for column in look.columns if is_number(column) and is_money(column, currencies)]
    if not amounts:
        return []
    found = _on_currencies(look)
    found += [_on_status(look, one) for one in by_status(look) if not one.plain]
    back = {one.column.name: one for amount in amounts for one in by_kind(look, amount)}
    found += [_on_kind(look, one) for one in back.values()]
    return found


def _on_currencies(look: ProfiledTable) -> list[Finding]:
    column, currencies = currency_column(look), currencies_of(look)
    if column is None or len(currencies) < 2:
        return []
    divided = DividedRows(column, ())
    shares = [f"{code} {divided.rows(texts) / look.rows:.1%}" for code, texts in currencies.items()]
    rest = list(currencies)[MOST_CURRENCIES:]
    what = (
        f"the amounts are in {len(currencies)} currencies ({', '.join(shares[:6])}), and each of "
        f"{', '.join(list(currencies)[:MOST_CURRENCIES])} is summed by itself"
        f"{'; those in ' + ', '.join(rest[:6]) + ' are in no sum' if rest else ''}: is there a column of amounts in "
        "one currency? If so, sum that instead"
    )
    return [Finding(f"{look.name}.{column.name}", "several_currencies", what)]


def _on_status(look: ProfiledTable, one: DividedRows) -> Finding:
    name = f"{look.name}.{one.column.name}"
    said = []
    if one.leave:
        said.append(f"amounts of {of_rows(one.rows(one.leave), look.rows)} are in no sum ({_listed(one.leave)})")
    if one.turned:
        said.append(
            f"amounts of {of_rows(one.rows(one.turned), look.rows)} are summed, because this may be known only later "
            f"({_listed(one.turned)})"
        )
    if not said:
        said.append(f"amounts of every {one.column.name} are summed ({_listed(one.keep)})")
    blank = one.column.rows - one.column.present
    if blank and one.leave:
        said.append(f"{of_rows(blank, look.rows)} hold nothing there, and are in no sum either")
    kept = ", ".join([text for text in one.keep if text not in one.turned][:4])
    what = (
        f"{'; '.join(said)}: which of them count as money that came in? Write those into each sum of amounts, as in "
        f"`where: {{{one.column.name}: [{kept}]}}` (for a trend, inside its `ratio`), if others do"
    )
    return Finding(name, "failed_amounts", what)


def _on_kind(look: ProfiledTable, one: DividedRows) -> Finding:
    what = (
        f"{of_rows(one.rows(one.turned), look.rows)} are {_listed(one.turned)} with amounts above zero: they are "
        "summed by themselves, not with the others. Is that right? Change `where` of the sums if not"
    )
    return Finding(f"{look.name}.{one.column.name}", "returned_amounts", what)


def _listed(values: Sequence[str]) -> str:
    more = ", ..." if len(values) > 4 else ""
    return ", ".join(map(repr, values[:4])) + more
