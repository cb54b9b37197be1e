"""Cells of any type as texts, as a delimited file would hold them: in Arrow, and in a Parquet file for the engine."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as parquet

from churn_mlops.data.contract import level_text

BATCH_ROWS = 20_000
_WHOLE_BELOW = 2.0**53
_BLANK = (None, "")


def text_array(column: Sequence[Any]) -> pa.Array:
    """The cells of ``column`` as texts; None stays null."""
    held = set(map(type, column)) - {type(None)}
    if held <= {str}:
        return pa.array(column, pa.string())
    if held == {int}:
        return pa.array(column).cast(pa.string())
    if held == {float}:
        return number_texts(pa.array(column, from_pandas=True))
    return pa.array([_cell_text(value) for value in column], pa.string())


def number_texts(numbers: pa.Array) -> pa.Array:
    """The texts of floating-point ``numbers``: a whole one has neither a point nor an exponent."""
    whole = pc.and_(pc.equal(pc.trunc(numbers), numbers), pc.less(pc.abs(numbers), _WHOLE_BELOW))
    as_whole = pc.if_else(whole, numbers, None).cast(pa.int64()).cast(pa.string())
    return as_whole if as_whole.null_count == numbers.null_count else pc.coalesce(as_whole, numbers.cast(pa.string()))


def write_texts(rows: Iterable[Sequence[Any]], width: int, path: Path) -> list[set[type]]:
    """Write ``rows`` of ``width`` cells to a Parquet file of texts, whose columns are called 0, 1 and so on.

    Returns:
        For each column the types of its cells that are not blank; none for a column without a value.
    """
    schema = pa.schema([(str(place), pa.string()) for place in range(width)])
    found: list[set[type]] = [set() for _ in range(width)]
    batch: list[Sequence[Any]] = []
    with parquet.ParquetWriter(path, schema) as writer:
        for row in rows:
            batch.append(row)
            if len(batch) == BATCH_ROWS:
                _write_batch(writer, batch, found)
                batch = []
        if batch:
            _write_batch(writer, batch, found)
    return found


def _write_batch(writer: parquet.ParquetWriter, batch: list[Sequence[Any]], found: list[set[type]]) -> None:
    columns = [[None if cell in _BLANK else cell for cell in column] for column in zip(*batch, strict=True)]
    for types, column in zip(found, columns, strict=True):
        types |= set(map(type, column)) - {type(None)}
    writer.write_batch(pa.record_batch([text_array(column) for column in columns], schema=writer.schema))


def _cell_text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, bytes):
        return value.decode("utf-8", errors="backslashreplace")
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return value.isoformat() if isinstance(value, date) else level_text(value)
