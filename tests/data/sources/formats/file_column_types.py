"""Every type of column of Parquet and SQLite files, with values of it and what a column of it is worth to a model."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, NamedTuple

import pyarrow as pa

ROWS = 24


class OfType(NamedTuple):
    """A column of one type: its values, which come again and again, what it is taken for, and how many are missing."""

    kind: Any
    values: Sequence[Any]
    meaning: str
    missing: int = 0

    @property
    def cells(self) -> list[Any]:
        return [self.values[row % len(self.values)] for row in range(ROWS)]


_DAY, _NEXT = datetime(2024, 1, 1), datetime(2024, 1, 2)
PARQUET = {
    "int8": OfType(pa.int8(), (1, 2, None), "number", 1),
    "int16": OfType(pa.int16(), (0, 1), "boolean"),
    "int32": OfType(pa.int32(), (1, 2, 3), "number"),
    "int64": OfType(pa.int64(), (2**53, 2**53 + 1, 5), "number"),
    "uint8": OfType(pa.uint8(), (1, 2, 255), "number"),
    "uint16": OfType(pa.uint16(), (1, 2, 3), "number"),
    "uint32": OfType(pa.uint32(), (1, 2, 3), "number"),
    "uint64": OfType(pa.uint64(), (1, 2, 2**64 - 1), "number"),
    "half": OfType(pa.float16(), (1.5, 2, 3), "number"),
    "float": OfType(pa.float32(), (1.5, float("nan"), 2, 4), "number", 1),
    "double": OfType(pa.float64(), (1.25, 2, None), "number", 1),
    "decimal": OfType(pa.decimal128(12, 2), (Decimal("1.50"), Decimal(2), Decimal(3)), "number"),
    "long_decimal": OfType(pa.decimal128(38, 20), (Decimal(1), Decimal("0.5"), Decimal(3)), "number"),
    "longest_decimal": OfType(pa.decimal256(60, 2), (Decimal(1), Decimal(2), Decimal(4)), "number"),
    "flag": OfType(pa.bool_(), (True, False, None), "boolean", 1),
    "word": OfType(pa.string(), ("red", "blue", " "), "category", 1),
    "long_word": OfType(pa.large_string(), ("red", "blue", "green"), "category"),
    "level": OfType(pa.dictionary(pa.int32(), pa.string()), ("basic", "pro", None), "category", 1),
    "uuid": OfType(pa.uuid(), [uuid.UUID(int=row).bytes for row in range(ROWS)], "identifier"),
    "bytes": OfType(pa.binary(), (b"a", b"b"), "type"),
    "two_bytes": OfType(pa.binary(2), (b"ab", b"cd"), "type"),
    "day": OfType(pa.date32(), (date(2024, 1, 1), date(2024, 1, 2)), "date"),
    "day_ms": OfType(pa.date64(), (date(2024, 1, 1), date(2024, 1, 3)), "date"),
    "far_day": OfType(
        pa.int32(), (3_000_000, -1_000_000, 19_723), "date", 2
    ),  # days from 1970, of which a date32 is made
    "second": OfType(pa.timestamp("s"), (_DAY, _NEXT), "date"),
    "milli": OfType(pa.timestamp("ms"), (_DAY, _NEXT, None), "date", 1),
    "micro": OfType(pa.timestamp("us"), (_DAY, _NEXT), "date"),
    "nano": OfType(pa.timestamp("ns"), (_DAY, _NEXT), "date"),
    "instant": OfType(pa.timestamp("us", "Europe/Berlin"), (_DAY, _NEXT), "date"),
    "nano_instant": OfType(pa.timestamp("ns", "UTC"), (_DAY, _NEXT), "date"),
    "clock": OfType(pa.time32("ms"), (time(10), time(11)), "type"),
    "micro_clock": OfType(pa.time64("us"), (time(10), time(11)), "type"),
    "nano_clock": OfType(pa.time64("ns"), (1, 2), "type"),
    "lasting": OfType(pa.duration("s"), (timedelta(1), timedelta(2), timedelta(9)), "number"),
    "list": OfType(pa.list_(pa.int64()), ([1], [2]), "type"),
    "struct": OfType(pa.struct({"a": pa.int64()}), ({"a": 1}, {"a": 2}), "type"),
    "map": OfType(pa.map_(pa.string(), pa.int64()), ([("a", 1)], [("b", 1)]), "type"),
    "json": OfType(pa.json_(), ('{"a": 1}', "[]"), "type"),
    "nothing": OfType(pa.null(), (None,), "empty", 1),
}

# SQLite keeps any value in a column of any type, so the values decide.
SQLITE = {
    "whole": OfType("INTEGER", (1, 2, 3), "number"),
    "flag": OfType("BOOLEAN", (0, 1), "boolean"),
    "real": OfType("REAL", (1.5, 2, None), "number", 1),
    "price": OfType("DECIMAL(10, 2)", ("1.50", 2, 3.5), "number"),
    "numeric": OfType("NUMERIC", ("1e3", 5, 7), "number"),
    "big": OfType("BIGINT", (2**53, 2**53 + 1, 5), "number"),
    "infinite_text": OfType("REAL", ("nan", 2, 3), "number", 1),
    "word": OfType("TEXT", ("red", "blue", " "), "category", 1),
    "short": OfType("VARCHAR(5)", ("red", "blue", "green"), "category"),
    "bytes": OfType("BLOB", (b"red", b"\xff", b"blue"), "category"),
    "untyped": OfType("", ("basic", "pro", None), "category", 1),
    "mixed": OfType("INTEGER", (1, "two", 3.5), "category"),
    "uuid": OfType("UUID", [str(uuid.UUID(int=row)) for row in range(ROWS)], "identifier"),
    "day": OfType("DATE", ("2024-01-01", "2024-01-02"), "date"),
    "moment": OfType("DATETIME", ("2024-01-01 10:00:00", "2024-01-02 10:00:00.123"), "date"),
    "day_or_month": OfType("DATE", ("25/01/2024", "01/25/2024"), "date"),
    "created": OfType("TIMESTAMP", (1_700_000_000, 1_700_086_400), "date"),
    "json": OfType("JSON", ('{"a": 1}', "[]"), "type"),
}


def parquet_column(name: str, cells: Sequence[Any]) -> pa.Array:
    """A column of the type of Parquet called ``name``."""
    kind = PARQUET[name].kind
    if isinstance(kind, pa.BaseExtensionType):
        return pa.ExtensionArray.from_storage(kind, pa.array(cells, kind.storage_type))
    array = pa.array(cells, kind)
    return array.cast(pa.date32()) if name == "far_day" else array
