"""The household of each customer, by the column that the contract names."""

from __future__ import annotations

from collections.abc import Mapping

import ibis.expr.types as ir

from churn_mlops.data.engine.arrow import as_arrow
from churn_mlops.data.engine.cell_values import as_text
from churn_mlops.errors import ContractError


def households_in(table: ir.Table, customer: str | None, household: str | None) -> Mapping[str, str]:
    """The household by customer ID, without customers whose cell is blank; empty where the contract names no column.

    A customer with several rows belongs to the first household in alphabetical order.

    Raises:
        ContractError: the table has no such column.
        SourceError: the table cannot be read.
    """
    if household is None or customer is None:
        return {}
    if household not in table.columns:
        raise ContractError(f"the contract names the household {household!r}, which is no column of the customers")
    pairs = table.select(customer=as_text(table[customer]), household=as_text(table[household])).drop_null()
    first = pairs.group_by("customer").agg(household=pairs.household.min())
    found = as_arrow(first)
    return dict(zip(found.column("customer").to_pylist(), found.column("household").to_pylist(), strict=True))
