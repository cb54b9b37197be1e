"""Files of typed columns as a source: Arrow, Feather, ORC and Avro keep the types that they declare."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import fastavro
import ibis.expr.datatypes as dt
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.orc as orc
import pytest

from churn_mlops.data.sources.open import open_table
from churn_mlops.errors import SourceError
from tests.data.sources.formats.kinds_of_files import COLUMNS, customers

ROWS = [dict(zip(COLUMNS, row, strict=True)) for row in customers()]
TABLE = pa.Table.from_pylist(ROWS)
FIELDS: dict[str, Any] = {
    "customer_id": "string", "tenure": "int", "charges": ["null", "double"],
    "plan": {"type": "enum", "name": "plan", "symbols": ["basic", "plus", "pro"]},
    "phone": "long", "since": {"type": "int", "logicalType": "date"}, "churn": "int",
}  # fmt: skip


def _avro(path: Path, fields: dict[str, Any], rows: list[dict[str, Any]]) -> None:
    declared = [{"name": name, "type": kind} for name, kind in fields.items()]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "row", "fields": declared}, rows)


def _stream(path: Path) -> None:
    with pa.OSFile(str(path), "wb") as sink, pa.ipc.new_stream(sink, TABLE.schema) as writer:
        writer.write_table(TABLE)


def _categories(path: Path) -> None:
    feather.write_feather(TABLE.set_column(3, "plan", TABLE["plan"].dictionary_encode()), path)


KINDS: dict[str, Callable[[Path], object]] = {
    "shop.feather": _categories,
    "shop.arrow": _stream,
    "shop.orc": lambda path: orc.write_table(TABLE, path),
    "shop.avro": lambda path: _avro(path, FIELDS, ROWS),
}


@pytest.mark.parametrize("name", KINDS)
def test_each_kind_gives_the_same_rows_and_types(tmp_path: Path, name: str) -> None:
    KINDS[name](tmp_path / name)
    table = open_table(str(tmp_path / name))
    assert table.to_pyarrow().to_pylist() == ROWS
    assert (table.since.type(), table.plan.type()) == (dt.date, dt.string)


def test_avro_gives_times_decimals_and_what_is_no_plain_value(tmp_path: Path) -> None:
    fields = {
        "id": "string",
        "at": {"type": "long", "logicalType": "timestamp-millis"},
        "paid": ["null", {"type": "bytes", "logicalType": "decimal", "precision": 10, "scale": 2}],
        "either": ["null", "int", "string"],
        "tags": {"type": "array", "items": "string"},
    }
    row = {"id": "a", "at": datetime(2024, 1, 5, 10, tzinfo=UTC), "paid": Decimal("1.50"), "either": 7, "tags": ["é"]}
    _avro(tmp_path / "shop.avro", fields, [row, row | {"paid": None, "either": None}])
    found = open_table(str(tmp_path / "shop.avro")).to_pyarrow().to_pylist()
    assert found[0] == row | {"either": "7", "tags": '["é"]'}
    assert (found[1]["paid"], found[1]["either"]) == (None, None)


@pytest.mark.parametrize("name", KINDS)
def test_a_file_that_is_cut_off_is_refused(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    KINDS[name](path)
    path.write_bytes(path.read_bytes()[: -len(path.read_bytes()) // 3])
    with pytest.raises(SourceError, match="write it again, or as Parquet"):
        open_table(str(path))


def test_an_old_feather_file_is_refused_with_what_to_do(tmp_path: Path) -> None:
    (tmp_path / "shop.feather").write_bytes(b"FEA1" + b"\0" * 100)
    with pytest.raises(SourceError, match="Feather file of version 1: write it again with version 2"):
        open_table(str(tmp_path / "shop.feather"))
