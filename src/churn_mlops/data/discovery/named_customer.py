"""The column that a person names for the customer: by its name alone, or as ``table.column``."""

from __future__ import annotations

from collections.abc import Sequence

from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.errors import ContractError
from churn_mlops.suggestions import did_you_mean


def named_customer(customer: str | None, looks: Sequence[ProfiledTable]) -> tuple[str | None, str | None]:
    """The column, and the table whose rows are the customers; None for what a person has not said.

    Raises:
        ContractError: no table has such a column.
    """
    columns = [column.name for look in looks for column in look.columns]
    if customer is None or customer in columns:
        return customer, None
    table, _, column = customer.rpartition(".")
    if any(look.name == table and column == one.name for look in looks for one in look.columns):
        return column, table
    raise ContractError(f"no table has a column {customer!r} for the customer; {did_you_mean(customer, columns)}")
