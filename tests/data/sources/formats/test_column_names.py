"""Names of columns that differ in capitals only, and columns without a name: no reader takes one column for another."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import fastavro
import pyarrow as pa
import pyarrow.feather as feather
import pyarrow.orc as orc
import pytest

from churn_mlops.data.sources.open import open_table
from churn_mlops.errors import SourceError

ROWS = [{"id": 1, "Id": 10}, {"id": 2, "Id": 20}]


def _feather(path: Path) -> None:
    feather.write_feather(pa.Table.from_pylist(ROWS), str(path))


def _twice(path: Path) -> None:
    feather.write_feather(pa.table([pa.array([1, 2]), pa.array([3, 4])], names=["id", "id"]), str(path))


def _orc(path: Path) -> None:
    orc.write_table(pa.Table.from_pylist(ROWS), str(path))


def _avro(path: Path) -> None:
    fields = [{"name": name, "type": "int"} for name in ROWS[0]]
    with path.open("wb") as file:
        fastavro.writer(file, {"type": "record", "name": "row", "fields": fields}, ROWS)


def _json(path: Path) -> None:
    path.write_text(json.dumps(ROWS))


def _answer(path: Path) -> None:
    path.write_text(json.dumps({"status": "ok", "data": ROWS}))


def _csv(path: Path) -> None:
    path.write_text("id,Id\n1,10\n2,20\n")


@pytest.mark.parametrize(
    ("name", "write"),
    [
        ("a.feather", _feather),
        ("b.feather", _twice),
        ("a.orc", _orc),
        ("a.avro", _avro),
        ("a.json", _json),
        ("b.json", _answer),
        ("a.csv", _csv),
    ],
)
def test_names_that_differ_in_capitals_only_are_refused(
    tmp_path: Path, name: str, write: Callable[[Path], None]
) -> None:
    path = tmp_path / name
    write(path)
    with pytest.raises(SourceError, match=r"columns 1 and 2 are both called '(id|Id)'.*rename or remove one"):
        open_table(str(path))


def test_a_key_that_ends_in_a_number_is_no_repeated_one(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text('{"id": 1, "id_1": 10}\n{"id_2": 3}\n')
    assert open_table(str(path)).columns == ("id", "id_1", "id_2")


def test_a_column_without_a_name_is_called_by_its_place(tmp_path: Path) -> None:
    path = tmp_path / "a.feather"
    feather.write_feather(pa.table([pa.array([1]), pa.array([3])], names=["", "plan"]), str(path))
    assert open_table(str(path)).to_pyarrow().to_pylist() == [{"column_1": 1, "plan": 3}]
