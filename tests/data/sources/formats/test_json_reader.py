"""JSON files as a source: one object a line, or a list of objects, every value as text."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from churn_mlops.data.sources.open import open_table
from churn_mlops.errors import SourceError

ROWS: list[dict[str, Any]] = [
    {"userId": "030", "ts": 1538352117000, "page": "Home", "paid": True, "seen": "2024-01-05", "at": {"city": "Bonn"}},
    {"userId": "", "ts": 1538352180000, "page": None, "amount": 1.5},
]
READ = [
    {"userId": "030", "ts": "1538352117000", "page": "Home", "paid": "true", "seen": "2024-01-05"}
    | {"at": '{"city":"Bonn"}', "amount": None},
    {"userId": "", "ts": "1538352180000", "page": None, "paid": None, "seen": None, "at": None, "amount": "1.5"},
]


@pytest.mark.parametrize("ending", [".jsonl", ".ndjson", ".json"])
def test_objects_one_a_line_are_rows_of_texts(tmp_path: Path, ending: str) -> None:
    path = tmp_path / f"log{ending}"
    path.write_text("\n".join(map(json.dumps, ROWS)))
    assert open_table(str(path)).to_pyarrow().to_pylist() == READ


def test_a_list_of_objects_is_read_in_the_same_way(tmp_path: Path) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps(ROWS, indent=2))
    assert open_table(str(path)).to_pyarrow().to_pylist() == READ


@pytest.mark.parametrize("indent", [None, 2])
def test_an_answer_of_an_interface_is_the_list_that_it_holds(tmp_path: Path, indent: int | None) -> None:
    path = tmp_path / "log.json"
    path.write_text(json.dumps({"status": "ok", "links": {"next": None}, "data": ROWS}, indent=indent))
    assert open_table(str(path)).to_pyarrow().to_pylist() == READ


def test_several_lists_in_one_object_are_refused_with_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    path.write_text(json.dumps({"users": ROWS, "orders": ROWS}))
    with pytest.raises(SourceError, match=r"several lists of objects \(users, orders\): write each list into a file"):
        open_table(str(path))


@pytest.mark.parametrize(
    "text", ['{"data": []}', '{"status": "ok", "total": 0, "Items": [ ]}', '{"data": {}}', '{"data": null}']
)
def test_an_answer_without_rows_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shop.json"
    path.write_text(text)
    with pytest.raises(SourceError, match=r"holds no row: '(data|Items)' is empty; .*Export it again"):
        open_table(str(path))


def test_one_object_with_an_empty_list_among_its_values_is_a_row(tmp_path: Path) -> None:
    path = tmp_path / "shop.json"
    path.write_text('{"id": 1, "tags": []}')
    assert open_table(str(path)).to_pyarrow().to_pylist() == [{"id": "1", "tags": "[]"}]


@pytest.mark.parametrize("text", ["[]", "{}", "[{}]", "null"])
def test_a_file_without_values_is_refused_in_plain_words(tmp_path: Path, text: str) -> None:
    path = tmp_path / "shop.json"
    path.write_text(text)
    with pytest.raises(
        SourceError, match=r"cannot be read as JSON \(it holds no object with values\): write one object"
    ):
        open_table(str(path))


def test_a_key_that_comes_late_is_a_column(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text('{"a": 1}\n' * 3000 + '{"a": 2, "late": "x"}\n')
    table = open_table(str(path))
    assert table.columns == ("a", "late")
    assert table.late.count().to_pyarrow().as_py() == 1


@pytest.mark.parametrize("text", ["", "[1, 2]", '{"a": 1}\n{"a":\n', '[{"a": 1}', "not JSON"])
def test_a_file_without_whole_objects_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "log.jsonl"
    path.write_text(text)
    with pytest.raises(SourceError, match="write one object a line, or one list of objects"):
        open_table(str(path)).to_pyarrow()
