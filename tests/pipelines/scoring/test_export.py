"""The list as a file: what was scored, whole or not at all, and harmless in a spreadsheet."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from churn_mlops.errors import ConfigError
from churn_mlops.pipelines.scoring.export import export, with_apostrophe

LIST = pa.table(
    {
        "rank": [1, 2, 3],
        "customer": ['a,"b"', "Zoë\nline", None],
        "score": [0.1 + 0.2, 1e-17, 1.0],
        "will_churn": [True, False, True],
        "reason_1": ["tenure 1: +25 points", "", "two"],
    }
)


def test_parquet_gives_back_the_same_table(tmp_path: Path) -> None:
    export(LIST, tmp_path / "list.parquet")
    assert parquet.read_table(tmp_path / "list.parquet").equals(LIST)


def test_json_gives_back_the_same_rows(tmp_path: Path) -> None:
    export(LIST, tmp_path / "list.json")
    rows = json.loads((tmp_path / "list.json").read_text(encoding="utf-8"))
    assert rows == LIST.to_pylist()


def test_csv_gives_back_the_same_cells(tmp_path: Path) -> None:
    export(LIST, tmp_path / "LIST.CSV")
    with (tmp_path / "LIST.CSV").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["customer"] for row in rows] == ['a,"b"', "Zoë\nline", ""]
    assert [float(row["score"]) for row in rows] == LIST.column("score").to_pylist()
    assert [row["will_churn"] for row in rows] == ["true", "false", "true"]


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "\n=1", '=HYPERLINK("x","y")', "=1\n+2", "\uff1d1+1"]
)
def test_a_text_that_a_spreadsheet_would_compute_is_defused(tmp_path: Path, text: str) -> None:
    table = pa.table({"customer": [text, "plain"], text: ["x", "a=b-c+d@e"], "score": [-0.5, 0.5]})
    export(table, tmp_path / "list.csv")
    content = (tmp_path / "list.csv").read_bytes().decode()
    header, first, second = csv.reader(io.StringIO(content, newline=""))
    assert header == ["customer", "'" + text, "score"]
    assert first == ["'" + text, "x", "-0.5"]
    assert second == ["plain", "a=b-c+d@e", "0.5"]


def test_ids_are_written_exactly_for_systems_that_join_them_and_all_else_is_defused(tmp_path: Path) -> None:
    table = pa.table({"customer": ["-17", "=9", "plain"], "reason_1": ["=1", "a", "b"]})
    export(table, tmp_path / "list.csv", exact="customer")
    rows = list(csv.reader(io.StringIO((tmp_path / "list.csv").read_text())))
    assert rows == [["customer", "reason_1"], ["-17", "'=1"], ["=9", "a"], ["plain", "b"]]


def test_ids_that_a_csv_changes_are_counted(tmp_path: Path) -> None:
    table = pa.table({"customer": ["-17", "=9", "plain", None], "place": [-1, 2, 3, 4]})
    counts = {
        name: with_apostrophe(table, "customer", tmp_path / f"list{name}") for name in (".csv", ".parquet", ".json")
    }
    assert counts == {".csv": 2, ".parquet": 0, ".json": 0}
    assert with_apostrophe(table, "place", tmp_path / "list.csv") == 0


@pytest.mark.parametrize("type_", [pa.string(), pa.large_string(), pa.dictionary(pa.int32(), pa.string())])
def test_a_text_is_defused_however_it_is_stored(tmp_path: Path, type_: pa.DataType) -> None:
    export(pa.table({"customer": pa.array(["=1", None, "a"], pa.string()).cast(type_)}), tmp_path / "list.csv")
    assert (tmp_path / "list.csv").read_text().splitlines() == ['"customer"', '"\'=1"', "", '"a"']


def test_an_unknown_ending_is_reported_with_the_known_ones(tmp_path: Path) -> None:
    for name in ("list.txt", "list", "list.csv.gz"):
        with pytest.raises(ConfigError, match=r"the ending says the format, one of \.csv, \.parquet, \.json"):
            export(LIST, tmp_path / name)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("name", ["list.csv", "list.parquet", "list.json"])
def test_a_write_that_fails_leaves_the_old_file(tmp_path: Path, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / name).write_text("old")

    def full(handle: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(ConfigError, match="No space left on device"):
        export(LIST, tmp_path / name)
    assert (tmp_path / name).read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "folder.csv").mkdir()
    for place in (tmp_path / "file" / "list.csv", tmp_path / "folder.csv"):
        with pytest.raises(ConfigError, match=f"cannot write {place}: .*(directory|exists)"):
            export(LIST, place)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "folder.csv"]


def test_a_new_folder_is_made(tmp_path: Path) -> None:
    export(LIST, tmp_path / "new" / "list.csv")
    assert (tmp_path / "new" / "list.csv").exists()
