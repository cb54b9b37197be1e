"""Customers as columns: mappings, DataFrames and Arrow tables, without importing what made them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.errors import DataError
from churn_mlops.features.cells import BadCellError

Columns = Mapping[str, Any]
Floats = npt.NDArray[np.float64]


def as_columns(data: Any) -> tuple[Columns, int]:
    """``data`` as columns by name, and its number of rows.

    Args:
        data: a list of mappings (one for each customer; an absent key is a missing value), a mapping of columns, a
            pandas DataFrame or an Arrow table.

    Raises:
        DataError: ``data`` is none of these, or its columns differ in length.
    """
    if hasattr(data, "column_names") and hasattr(data, "num_rows"):
        return {name: data.column(name) for name in data.column_names}, data.num_rows
    if hasattr(data, "columns") and hasattr(data, "iloc"):
        return _frame_columns(data), len(data)
    if isinstance(data, Mapping):
        lengths = {name: len(column) for name, column in data.items()}
        if len(set(lengths.values())) > 1:
            raise DataError(f"the columns differ in length: {lengths}")
        return data, next(iter(lengths.values()), 0)
    if isinstance(data, Sequence) and all(isinstance(row, Mapping) for row in data):
        names = dict.fromkeys(name for row in data for name in row)
        return {name: [row.get(name) for row in data] for name in names}, len(data)
    raise DataError(
        "customers come as a DataFrame, an Arrow table, a list of mappings or a mapping of columns; "
        f"not as {type(data).__name__}"
    )


def read_column(column: Any, read: Callable[[Any], float], numeric: bool, rows: int) -> Floats:
    """One column as float64 of shape (rows,): ``read`` of each cell, each distinct text read only once.

    Args:
        column: an Arrow array, a NumPy array or a list; None means missing in every row.
        read: turns a cell into a number, NaN for missing; raises BadCellError.
        numeric: whether a finite number stands for itself.
        rows: number of rows.

    Raises:
        BadCellError: with the row (from 1) and the value.
    """
    if column is None:
        return np.full(rows, read(None))
    if hasattr(column, "combine_chunks"):
        column = column.combine_chunks()
    if hasattr(column, "to_numpy") and hasattr(column, "null_count"):
        return _read_arrow(column, read, numeric)
    if numeric and isinstance(column, np.ndarray) and column.dtype.kind in "iuf":
        return _finite_or_missing(column.astype(np.float64))
    return _read_list(column.tolist() if isinstance(column, np.ndarray) else column, read)


def _read_arrow(column: Any, read: Callable[[Any], float], numeric: bool) -> Floats:
    if hasattr(column, "indices"):
        codes, texts = column.indices, column.dictionary.to_pylist()
    else:
        kind = str(column.type)
        if numeric and kind.startswith(("int", "uint", "float", "double", "halffloat")):
            return _finite_or_missing(column.to_numpy(zero_copy_only=False).astype(np.float64))
        if kind.startswith(("list", "large_list", "struct", "map")):
            return _read_list(column.to_pylist(), read)
        encoded = column.dictionary_encode()
        codes, texts = encoded.indices, encoded.dictionary.to_pylist()
    places = codes.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    values = np.empty(len(texts) + 1)
    values[-1] = read(None)
    for code, text in enumerate(texts):
        try:
            values[code] = read(text)
        except BadCellError as error:
            found = np.flatnonzero(places == code)
            if found.size:
                raise BadCellError(f"row {int(found[0]) + 1}: {error}") from None
            values[code] = np.nan
    return np.asarray(values[places])


def _read_list(column: Any, read: Callable[[Any], float]) -> Floats:
    values = np.empty(len(column))
    for row, cell in enumerate(column):
        try:
            values[row] = read(cell)
        except BadCellError as error:
            raise BadCellError(f"row {row + 1}: {error}") from None
    return values


def _finite_or_missing(values: Floats) -> Floats:
    infinite = np.isinf(values)
    if infinite.any():
        row = int(np.flatnonzero(infinite)[0])
        raise BadCellError(f"row {row + 1}: {values[row]} is not a finite number")
    return values


def _frame_columns(frame: Any) -> Columns:
    """Columns of a DataFrame: numbers as NumPy arrays, text by Arrow where pandas keeps it so, else lists."""
    columns: dict[str, Any] = {}
    for name in frame.columns:
        series = frame[name]
        if getattr(series, "ndim", 1) != 1:
            raise DataError(f"the DataFrame has the column {name!r} twice")
        arrow = getattr(series.array, "__arrow_array__", None)
        if str(series.dtype) in {"str", "string"} and arrow is not None:
            columns[str(name)] = arrow()
        elif series.dtype.kind in "iuf" and isinstance(series.to_numpy(), np.ndarray):
            columns[str(name)] = series.to_numpy(dtype=np.float64, na_value=np.nan)
        else:
            columns[str(name)] = series.astype(object).where(series.notna(), None).tolist()
    return columns
