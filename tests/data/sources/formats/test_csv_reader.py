"""Delimited files as programs write them: in several encodings, with the separator in a line of its own."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from churn_mlops.config.settings import Source
from churn_mlops.data import load_csv
from churn_mlops.data.sources.database import memory_connection
from churn_mlops.data.sources.formats.csv_reader import csv_columns, csv_format, open_csv
from churn_mlops.errors import SourceError
from churn_mlops.pipelines.onboarding.init import InitRequest, initialize

CELLS = st.lists(st.sampled_from(["a", "Z", "é", "ü", "ß", "ñ", "0 €", "c œ"]), min_size=1, max_size=8).map("".join)
"""Texts that Windows-1252 writes as no letter of UTF-8."""


def rows_of(path: Path) -> list[dict[str, str | None]]:
    return list(open_csv(path, memory_connection()).to_pyarrow().to_pylist())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    rows=st.lists(st.tuples(CELLS, CELLS), min_size=1, max_size=5),
    encoding=st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "utf-32", "cp1252"]),
    packed=st.booleans(),
)
def test_a_file_gives_the_same_rows_in_every_encoding(
    tmp_path: Path, rows: list[tuple[str, str]], encoding: str, packed: bool
) -> None:
    text = "Größe;Straße\n" + "".join(f'"{one}";"{other}"\n' for one, other in rows)
    path = tmp_path / ("file.csv.gz" if packed else "file.csv")
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data) if packed else data)
    assert csv_columns(path, "file") == ["Größe", "Straße"]
    assert rows_of(path) == [{"Größe": one, "Straße": other} for one, other in rows]
    assert list(load_csv(path).columns) == ["Größe", "Straße"]


@pytest.mark.parametrize(("mark", "line_end"), [("sep=;", "\n"), ("SEP=;", "\r\n"), ("\ufeffsep=;", "\n")])
def test_a_line_that_names_the_separator_is_no_header(tmp_path: Path, mark: str, line_end: str) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"{mark}\na;b\n1,5;2\n3,5;4\n", encoding="utf-8", newline=line_end)
    assert csv_format(path).skipped == 1
    assert rows_of(path) == [{"a": "1,5", "b": "2"}, {"a": "3,5", "b": "4"}]
    assert load_csv(path)["b"].tolist() == [2, 4]


def test_an_encoding_that_is_guessed_is_asked_about(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    rows = "".join(f"c{row:03},{row % 7},{'Köln' if row % 2 else 'Bonn'}\n" for row in range(60))
    for encoding, asked in (("utf-8", []), ("utf-16", []), ("cp1252", ["encoding"])):
        Path("customers.csv").write_bytes(f"customer_id,calls,city\n{rows}".encode(encoding))
        found = initialize(InitRequest("customers.csv"), Path("contract.yaml"), Source(), None).proposal.findings
        assert [finding.kind for finding in found if finding.kind == "encoding"] == asked
        assert "Köln" in Path("contract.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("head", ["", "sep=;\n"])
def test_blank_lines_above_the_header_make_no_row_of_it(
    tmp_path: Path, line_end: str, encoding: str, head: str
) -> None:
    path = tmp_path / "file.csv"
    text = f"{head}\n\nGröße;plan\n1;a\n2;b\n".replace("\n", line_end)
    path.write_bytes(text.encode(encoding))
    assert rows_of(path) == [{"Größe": "1", "plan": "a"}, {"Größe": "2", "plan": "b"}]


@pytest.mark.parametrize("inside", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_a_name_over_several_lines_hides_no_row(tmp_path: Path, inside: str, line_end: str) -> None:
    path = tmp_path / "file.csv"
    path.write_bytes(f'id,"monthly{inside}price"{line_end}1,"x{inside}y"{line_end}2,b{line_end}'.encode())
    assert [tuple(row.values()) for row in rows_of(path)] == [("1", f"x{inside}y"), ("2", "b")]


def test_an_error_below_such_a_header_names_the_line_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text("\n\nid,plan\n1,a\n2,b,c\n")
    with pytest.raises(SourceError, match="line 5: 3 cells"):
        rows_of(path)


def test_a_line_that_is_too_long_is_called_so(tmp_path: Path) -> None:
    path = tmp_path / "file.csv"
    path.write_text(f"id,plan\n1,{'x' * (1 << 25)}\n")
    with pytest.raises(SourceError, match="longer than 16 MB"):
        rows_of(path)
