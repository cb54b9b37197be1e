"""A table read by its contract: each feature as the number or the text that its cells mean."""

from __future__ import annotations

from typing import Literal

import ibis
import ibis.expr.types as ir
import pyarrow as pa

from churn_mlops.data.contract import LABEL as LABEL
from churn_mlops.data.contract import DataContract, Label
from churn_mlops.data.engine.cell_values import as_text, read_cell
from churn_mlops.errors import ContractError
from churn_mlops.suggestions import did_you_mean


def typed(table: ir.Table, contract: DataContract) -> ir.Table:
    """``table`` with the contract's feature names as columns, after the customer and the label where they are there.

    Numbers and booleans are float64, categories text; a cell that is missing or cannot be read is null (validation
    reports the latter). The customer is text, the label int8: 1, 0 or null. Rows keep their order.

    Raises:
        ContractError: a declared column is not in the table; names the nearest.
    """
    columns: dict[str, ir.Value] = {}
    if contract.customer is not None:
        columns[contract.customer] = as_text(_column(table, contract.customer, contract))
    if contract.label is not None and contract.label.column in table.columns:
        columns[LABEL] = label_value(table[contract.label.column], contract.label)
    for name, feature in contract.features.items():
        columns[name] = read_cell(_column(table, contract.column_of(name), contract), feature).value
    return table.select([value.name(name) for name, value in columns.items()])


def label_value(column: ir.Column, label: Label) -> ir.IntegerColumn:
    """1 where ``column`` says that the customer churned, 0 where it says that they did not, else null."""
    text = as_text(column)
    stayed = text.isin(label.negatives)
    return ibis.cases((text == label.positive, 1), (stayed, 0), else_=ibis.null("int8")).cast("int8")


def read_snapshot(
    table: ir.Table, contract: DataContract, *, label: Literal["known", "unknown", "any"] = "any"
) -> pa.Table:
    """The rows of ``table`` as an Arrow table, typed as in :func:`typed`, categories as dictionaries.

    Args:
        table: the rows, one for each customer.
        contract: what their columns mean.
        label: which rows: those whose label is known, those without, or all.

    Raises:
        ContractError: a declared column is not in the table, or ``label="known"`` and there is no label column.
    """
    rows = typed(table, contract)
    if LABEL not in rows.columns:
        if label == "known":
            where = f"label column {contract.label.column!r}" if contract.label else "label"
            raise ContractError(f"the rows have no {where}: training needs one")
    elif label != "any":
        rows = rows.filter(rows[LABEL].notnull() if label == "known" else rows[LABEL].isnull())
    arrow = rows.to_pyarrow()
    fields = [_field(name, contract) for name in arrow.column_names]
    return pa.table([_as(arrow[field.name], field.type) for field in fields], schema=pa.schema(fields))


def _as(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    if pa.types.is_dictionary(kind):
        return column.cast(pa.string()).combine_chunks().dictionary_encode()
    return column.cast(kind)


def _field(name: str, contract: DataContract) -> pa.Field:
    if name == LABEL:
        return pa.field(name, pa.int8())
    if name in contract.features:
        if contract.features[name].type == "category":
            return pa.field(name, pa.dictionary(pa.int32(), pa.string()))
        return pa.field(name, pa.float64())
    return pa.field(name, pa.string())


def _column(table: ir.Table, name: str, contract: DataContract) -> ir.Column:
    if name not in table.columns:
        raise ContractError(
            f"column {name!r} of the contract {contract.name!r} is not in the table; "
            f"{did_you_mean(name, table.columns)}"
        )
    return table[name]
