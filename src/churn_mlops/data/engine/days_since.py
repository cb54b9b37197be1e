"""Dates of a flat table as days from them to the as-of date, or to them from it."""

from __future__ import annotations

import ibis.expr.types as ir

from churn_mlops.data.contract import DataContract
from churn_mlops.data.engine.as_of import AsOf
from churn_mlops.data.engine.sentinel_dates import without_sentinels
from churn_mlops.data.engine.timestamps import parsed_time
from churn_mlops.errors import ContractError
from churn_mlops.suggestions import did_you_mean


def with_days_since(table: ir.Table, contract: DataContract, as_of: AsOf) -> ir.Table:
    """``table`` with a column of whole days for each feature of ``contract`` that counts them, under its name.

    They are null where a cell holds no date, or a day that stands for none, such as 9999-12-31.

    Args:
        table: one row for each customer.
        contract: which features count days since a date, or until it.
        as_of: the day from which they are counted, where no column of the rows says it (``as_of`` of the contract).

    Raises:
        ContractError: a column of dates is not in the table; names the nearest.
    """
    counted = {name: feature for name, feature in contract.features.items() if feature.date_column is not None}
    if not counted:
        return table
    day = as_of.as_date() if contract.as_of is None else _date(table, contract.as_of, contract)
    columns = {}
    for name, feature in counted.items():
        days = day.delta(_date(table, str(feature.date_column), contract), unit="day").cast("float64")
        columns[name] = days if feature.since is not None else -days
    return table.mutate(**columns)


def _date(table: ir.Table, column: str, contract: DataContract) -> ir.DateValue:
    if column not in table.columns:
        raise ContractError(
            f"column {column!r} of the contract {contract.name!r} is not in the table; "
            f"{did_you_mean(column, table.columns)}"
        )
    return without_sentinels(parsed_time(table[column], contract.formats.get(column))).date()
