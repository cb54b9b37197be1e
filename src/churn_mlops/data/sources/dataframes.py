"""Tables as pandas DataFrames: the plain Python way in."""

from __future__ import annotations

import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import duckdb
import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from churn_mlops.data.contract import level_text
from churn_mlops.data.sources.database import memory_connection
from churn_mlops.data.sources.files import check_file
from churn_mlops.data.sources.formats.csv_reader import csv_format, open_csv
from churn_mlops.data.sources.plain_types import with_plain_types
from churn_mlops.errors import DataError
from churn_mlops.suggestions import did_you_mean


def load_csv(filepath: str | os.PathLike[str]) -> pd.DataFrame:
    """As :func:`churn_mlops.data.load_csv`."""
    path = Path(filepath)
    if not path.exists():
        raise FileNotFoundError(f"there is no file {path}: check the path")
    check_file(path)
    # pandas fills short rows up without an error, so the strict reader checks the file first.
    rows = open_csv(path, memory_connection()).count().to_pyarrow().as_py()
    written = csv_format(path)
    frame = pd.read_csv(
        path,
        sep=written.delimiter,
        skiprows=written.skipped,
        keep_default_na=False,
        na_values=[""],
        encoding=written.encoding,
        index_col=False,
        low_memory=False,
    )
    frame.columns = pd.Index(
        [name if name == old.strip() else old for old, name in zip(frame.columns, written.columns, strict=True)]
    )
    return frame.iloc[:rows]  # totals at the end are no rows


def validate_data(df: pd.DataFrame, required_columns: Iterable[str]) -> bool:
    """As :func:`churn_mlops.data.validate_data`."""
    required = [required_columns] if isinstance(required_columns, str) else list(required_columns)
    missing = [name for name in required if name not in df.columns]
    if missing:
        names = [str(name) for name in df.columns]
        hints = "; ".join(f"{name!r}: {did_you_mean(str(name), names)}" for name in missing)
        raise DataError(
            f"missing columns: {', '.join(map(str, missing))} ({hints})",
            tuple((str(name), "the column is missing") for name in missing),
        )
    if df.empty:
        raise DataError("the table is empty: it has no rows")
    return True


def table_of_frame(frame: pd.DataFrame) -> ir.Table:
    """``frame`` as a table of the engine; a column of mixed things becomes text, as ``level_text`` writes them.

    Raises:
        DataError: a column's name is not a text, or is there twice, or a column holds what no table can.
    """
    odd = [name for name in frame.columns if not isinstance(name, str) or not name.strip()]
    if odd:
        raise DataError(f"columns need a text as their name; these have none: {odd[:5]}")
    known: dict[str, str] = {}
    for name in frame.columns:
        other = known.get(name.lower())
        if other is not None:
            what = (
                f"a column twice: {name!r}" if other == name else f"{other!r} and {name!r}, which differ in case alone"
            )
            raise DataError(f"the table has {what}; rename one of them")
        known[name.lower()] = name
    connection = memory_connection()
    rows = pa.table([_array(frame[name]) for name in frame.columns], names=list(frame.columns))
    try:
        _load(rows, connection)
    except duckdb.Error:
        for name in rows.column_names:
            with suppress(duckdb.Error):
                _load(rows.select([name]), connection)
                continue
            raise _not_held(frame[name]) from None
        raise
    return with_plain_types(connection, "rows")


def _load(rows: pa.Table, connection: ibis.BaseBackend) -> None:
    connection.con.register("frame", rows)
    connection.raw_sql('CREATE OR REPLACE TABLE "rows" AS SELECT * FROM "frame"')
    connection.con.unregister("frame")


def _not_held(series: pd.Series) -> DataError:
    return DataError(f"column {series.name!r} is of type {series.dtype}, which no table holds: drop it")


def _plain(series: pd.Series) -> pd.Series:
    """``series`` as values that Arrow takes: sparse, a period, a float of another size, times of a zone in UTC."""
    if isinstance(series.dtype, pd.DatetimeTZDtype):
        return series.dt.tz_convert(None)
    if isinstance(series.dtype, pd.SparseDtype):
        series = series.sparse.to_dense()
    if isinstance(series.dtype, pd.PeriodDtype):
        return series.dt.to_timestamp()
    other_size = isinstance(series.dtype, np.dtype) and series.dtype.kind == "f" and series.dtype.itemsize not in (4, 8)
    return series.astype("float64") if other_size else series


def _array(series: pd.Series) -> pa.Array:
    series = _plain(series)
    if series.dtype == object or isinstance(series.dtype, pd.CategoricalDtype):
        values = series.astype(object).where(series.notna(), None).tolist()
        if all(value is None or isinstance(value, bool) for value in values):
            return pa.array(values, pa.bool_())
        return pa.array([None if value is None else level_text(value) for value in values], pa.string())
    try:
        array = pa.Array.from_pandas(series)
    except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
        raise _not_held(series) from None
    return array.combine_chunks() if isinstance(array, pa.ChunkedArray) else array
