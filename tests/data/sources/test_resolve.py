"""The content of an address: one answer for every caller."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

import duckdb
import fastavro
import pandas as pd
import pyarrow.feather as feather
import pyarrow.orc as orc
import pyreadstat
import pytest
import xlsxwriter

from churn_mlops.data.sources.formats.file_formats import FILE_FORMATS, FileFormat
from churn_mlops.data.sources.open import open_every_table, source_columns
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import SourceError

QUERY = "SELECT 1 AS id, 'a' AS plan"
TEXTS = {".jsonl": '{"id": 1, "plan": "a"}\n', ".html": "<table><tr><th>id<th>plan<tr><td>1<td>a</table>"}


def _made(path: Path) -> Path:
    """A file with a table of the columns ``id`` and ``plan``, in the format of its ending."""
    if path.suffix == ".sqlite":
        with closing(sqlite3.connect(path)) as connection:
            connection.execute(f"CREATE TABLE shop AS {QUERY}")
            connection.commit()
    elif path.suffix == ".duckdb":
        with duckdb.connect(str(path)) as connection:
            connection.execute(f"CREATE TABLE shop AS {QUERY}")
    elif path.suffix == ".parquet":
        duckdb.sql(f"COPY ({QUERY}) TO '{path}' (FORMAT parquet)")
    elif path.suffix == ".xlsx":
        with xlsxwriter.Workbook(path) as book:
            book.add_worksheet("shop").write_column("A1", ["id", "1"])
            book.worksheets()[0].write_column("B1", ["plan", "a"])
    elif path.suffix == ".sav":
        pyreadstat.write_sav(pd.DataFrame({"id": [1], "plan": ["a"]}), path)
    elif path.suffix == ".feather":
        feather.write_feather(duckdb.sql(QUERY).to_arrow_table(), path)
    elif path.suffix == ".orc":
        orc.write_table(duckdb.sql(QUERY).to_arrow_table(), path)
    elif path.suffix == ".avro":
        fields = [{"name": "id", "type": "long"}, {"name": "plan", "type": "string"}]
        with path.open("wb") as file:
            fastavro.writer(file, {"type": "record", "name": "row", "fields": fields}, [{"id": 1, "plan": "a"}])
    else:
        path.write_text(TEXTS.get(path.suffix, "id,plan\n1,a\n"))
    return path


@pytest.mark.parametrize("file_format", FILE_FORMATS, ids=lambda one: str(one.endings[0]))
def test_every_format_gives_tables_columns_and_rows(file_format: FileFormat, tmp_path: Path) -> None:
    path = _made(tmp_path / f"shop{file_format.endings[0]}")
    place = resolve(str(path))
    assert place.kind == ("file" if file_format.tables is None else "database")
    assert place.tables() == ["shop"]
    assert place.columns("shop") == ["id", "plan"]
    assert place.open("shop").count().to_pyarrow().as_py() == 1
    place.close()
    assert source_columns(str(path)) == ["id", "plan"]


@pytest.mark.parametrize("file_format", FILE_FORMATS, ids=lambda one: str(one.endings[0]))
def test_an_address_that_is_not_understood_lists_every_format(file_format: FileFormat, tmp_path: Path) -> None:
    (tmp_path / "shop.shp").write_bytes(b"PK")
    with pytest.raises(SourceError, match=r"'\.shp'; known are") as caught:
        resolve(str(tmp_path / "shop.shp"))
    assert all(ending in str(caught.value) for ending in file_format.endings)


def test_an_ending_is_of_one_format_only() -> None:
    endings = [ending for one in FILE_FORMATS for ending in one.endings]
    assert len(endings) == len(set(endings))


def test_a_folder_holds_the_files_that_are_one_table_each(tmp_path: Path) -> None:
    for name in ("visits.csv", "plans.parquet", "other.duckdb", "notes.md", ".hidden.csv", "about.json", "a.html"):
        _made(tmp_path / name)
    place = resolve(str(tmp_path))
    assert (place.kind, place.tables()) == ("folder", ["plans", "visits"])
    assert place.open("plans").get_backend() is place.open("visits").get_backend()


def test_a_file_with_the_ending_db_is_recognized_by_its_content(tmp_path: Path) -> None:
    for ending in ("sqlite", "duckdb"):
        place = resolve(str(_made(tmp_path / f"shop.{ending}").rename(tmp_path / f"{ending}.db")))
        assert (place.kind, place.columns("shop")) == ("database", ["id", "plan"])


def test_a_sqlite_table_of_any_name_is_read(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "shop.sqlite")) as connection:
        connection.execute(f"CREATE TABLE incoming AS {QUERY}")
        connection.commit()
    assert list(open_every_table(str(tmp_path / "shop.sqlite"))) == ["incoming"]


def test_spark_is_not_asked_for_every_table() -> None:
    with pytest.raises(SourceError, match="one flat table is not read from Spark"):
        open_every_table("spark://local/folder")


def test_a_file_of_no_table_holds_none(tmp_path: Path) -> None:
    duckdb.connect(str(tmp_path / "shop.duckdb")).close()
    with pytest.raises(SourceError, match="holds no table: check the address"):
        open_every_table(str(tmp_path / "shop.duckdb"))


@pytest.mark.parametrize("address", ["x" * 5000 + ".csv", "/" + "y" * 300 + ".csv", "sqlite://" + "x" * 5000])
def test_a_path_that_is_too_long_is_refused_with_its_beginning(address: str) -> None:
    with pytest.raises(
        SourceError, match=r"the path that begins with '.{60}' has [\d,]+ characters, more than"
    ) as found:
        resolve(address)
    assert len(str(found.value)) < 250


def test_the_folder_of_a_user_who_is_not_there_is_refused() -> None:
    with pytest.raises(SourceError, match="no folder is known for ~no-such-user, write the whole path"):
        resolve("~no-such-user/shop.csv")


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "customers.csv"
    os.mkfifo(path)
    with pytest.raises(SourceError, match="is a pipe"):
        resolve(str(path))
