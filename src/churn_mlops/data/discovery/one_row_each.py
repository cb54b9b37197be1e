"""Tables that hold one row for each customer and no time: the parts of one flat table."""

from __future__ import annotations

from collections.abc import Mapping

from churn_mlops.errors import ContractError


class OneRowEachError(ContractError):
    """No table has a time, and each holds one row for each customer.

    Args:
        keys: the column of each table that names the customer.
    """

    def __init__(self, keys: Mapping[str, str]) -> None:
        self.keys = keys
        names = ", ".join(keys)
        super().__init__(
            f"{names}: each has one row for each customer and no time, so they are parts of one flat table"
        )


def refuse_parts(columns: Mapping[str, str | None], keys: Mapping[str, str | None]) -> None:
    """Refuse tables that are parts of one.

    Args:
        columns: the column of each table that leads to the customers; None if none does.
        keys: the column of each table that is different in every row; None if none is.

    Raises:
        OneRowEachError: there are several tables, and in each of them the column is the key.
    """
    named = {table: column for table, column in columns.items() if column is not None and column == keys[table]}
    if len(named) == len(columns) > 1:
        raise OneRowEachError(named)
