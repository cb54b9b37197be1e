"""Avro files, one of the file formats of ``file_formats.py``: read with the types that they declare."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from datetime import time
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa

from churn_mlops.data.sources.formats.arrow_reader import written
from churn_mlops.data.sources.formats.cell_texts import BATCH_ROWS
from churn_mlops.data.sources.formats.converted import ConvertedTable
from churn_mlops.data.sources.formats.statistics_reader import needed
from churn_mlops.errors import SourceError

_PLAIN = {
    "string": pa.string(),
    "enum": pa.string(),
    "boolean": pa.bool_(),
    "int": pa.int32(),
    "long": pa.int64(),
    "float": pa.float32(),
    "double": pa.float64(),
    "bytes": pa.binary(),
    "fixed": pa.binary(),
    "null": pa.string(),
}
_LOGICAL = {
    "date": pa.date32(),
    "timestamp-millis": pa.timestamp("us", "UTC"),
    "timestamp-micros": pa.timestamp("us", "UTC"),
    "local-timestamp-millis": pa.timestamp("us"),
    "local-timestamp-micros": pa.timestamp("us"),
}


def convert_avro(path: Path, folder: Path) -> dict[str, ConvertedTable]:
    """Write the table of the Avro file at ``path`` into ``folder``; a list or a record in a cell is a text of JSON.

    Raises:
        SourceError: it is no whole Avro file of records, or fastavro is not installed.
    """
    library = needed("fastavro", path)
    with path.open("rb") as file:
        try:
            records = library.reader(file)
            declared = records.writer_schema
            if not isinstance(declared, dict) or declared.get("type") != "record":
                raise SourceError(f"{path} holds no records: write one for each customer, or write it as Parquet")
            types = {field["name"]: _type(field["type"]) for field in declared["fields"]}
            schema = pa.schema(types.items())
            return written(path, _batches(records, schema), schema, folder)
        # fastavro has no family of errors.
        except (ValueError, EOFError, IndexError, KeyError, TypeError, ImportError, pa.ArrowException) as error:
            why = (str(error).splitlines() or [type(error).__name__])[0]
            raise SourceError(
                f"{path} is not an Avro file that is whole ({why}): write it again, or as Parquet"
            ) from None


def _batches(records: Iterable[dict[str, Any]], schema: pa.Schema) -> Iterator[pa.RecordBatch]:
    rows = iter(records)
    texts = [field.name for field in schema if field.type == pa.string()]
    while batch := list(islice(rows, BATCH_ROWS)):
        for row in batch:
            row.update({name: _text(row[name]) for name in texts})
        yield pa.RecordBatch.from_pylist(batch, schema)


def _type(declared: Any) -> pa.DataType:
    """The type of a column; a text where the file allows several."""
    if isinstance(declared, list):
        kinds = [kind for kind in declared if kind != "null"]
        return _type(kinds[0]) if len(kinds) == 1 else pa.string()
    if not isinstance(declared, dict):
        return _PLAIN.get(declared, pa.string())
    logical = declared.get("logicalType")
    if logical == "decimal":
        return pa.decimal128(min(declared["precision"], 38), declared.get("scale", 0))
    if logical in _LOGICAL:
        return _LOGICAL[logical]
    return pa.string() if logical is not None else _PLAIN.get(declared["type"], pa.string())


def _json(cell: Any) -> str:
    return json.dumps(cell, ensure_ascii=False, default=str)


def _text(cell: Any) -> str | None:
    if cell is None or isinstance(cell, str):
        return cell
    write: Callable[[Any], str] = time.isoformat if isinstance(cell, time) else _json
    return write(cell) if isinstance(cell, time | dict | list | bool) else str(cell)
