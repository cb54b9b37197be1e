"""Files that are called .xls and are none: pages of HTML and delimited text are read, XML of 2003 is refused."""

from __future__ import annotations

from html import escape
from pathlib import Path

import pytest

from churn_mlops.data.sources.open import open_table
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import SourceError
from tests.data.sources.formats.kinds_of_files import COLUMNS, customers, texts, write_csv

ROWS = customers()


def _page(above: str) -> str:
    rows = [COLUMNS, *(("" if cell is None else cell for cell in row) for row in ROWS)]
    table = "".join(f"<tr>{''.join(f'<td> {escape(str(cell))}</td>' for cell in row)}</tr>\n" for row in rows)
    return f"<html><body><table><tr><td><table>{above}{table}</table></td></tr></table></body></html>"


def test_the_largest_table_of_a_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.xls"
    title = "<tr><td colspan=7>Customers &amp; plans</td></tr>"
    path.write_text(_page(title))
    assert open_table(str(path)).to_pyarrow().to_pylist() == texts(ROWS)
    place = resolve(str(path))
    assert (place.kind, place.tables()) == ("file", ["export"])
    assert [one.kind for one in place.remarks()] == ["header_below"]


@pytest.mark.parametrize(("encoding", "named"), [("utf-8", ""), ("utf-16", ""), ("cp1252", ""), ("latin-1", "latin-1")])
def test_letters_are_read_as_the_page_says(tmp_path: Path, encoding: str, named: str) -> None:
    path = tmp_path / "export.xls"
    meta = f'<meta http-equiv="Content-Type" content="text/html; charset={named}">' if named else ""
    text = f"<html>{meta}<table><tr><th>id</th><th>city&nbsp;<br>name</th></tr><tr><td>1</td><td>Köln</td></tr></table>"
    path.write_text(text, encoding=encoding)
    assert open_table(str(path)).to_pyarrow().to_pylist() == [{"id": "1", "city name": "Köln"}]


def test_cells_and_rows_need_no_end(tmp_path: Path) -> None:
    path = tmp_path / "export.xls"
    path.write_text("<TABLE><TR><TH>id<TH>plan<TR><TD>1<TD>a &lt; b<TR><TD>2<TD></TABLE>")
    rows = [{"id": "1", "plan": "a < b"}, {"id": "2", "plan": None}]
    assert open_table(str(path)).to_pyarrow().to_pylist() == rows


def test_a_cell_over_several_rows_stands_in_each_of_them(tmp_path: Path) -> None:
    path = tmp_path / "export.xls"
    rows = (
        "<tr><th>id</th><th>plan</th><th>country</th><th>seats</th></tr>"
        "<tr><td>1</td><td rowspan=2>basic</td><td>DE</td><td rowspan=3>5</td></tr>"
        "<tr><td>2</td><td>FR</td></tr>"
        "<tr><td>3</td><td>pro</td></tr>"
        "<tr><td>4</td><td>pro</td><td>IT</td><td>7</td></tr>"
    )
    path.write_text(f"<table>{rows}</table>")
    assert [tuple(row.values()) for row in open_table(str(path)).to_pyarrow().to_pylist()] == [
        ("1", "basic", "DE", "5"),
        ("2", "basic", "FR", "5"),
        ("3", "pro", None, "5"),
        ("4", "pro", "IT", "7"),
    ]


def test_a_program_or_a_style_in_a_cell_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "export.xls"
    row = "<tr><td><style>td {}</style>1</td><td>a<script>write('<td>9</td>')</script></td></tr>"
    path.write_text(f"<table><tr><th>id</th><th>plan</th></tr>{row}</table>")
    assert open_table(str(path)).to_pyarrow().to_pylist() == [{"id": "1", "plan": "a"}]


def test_delimited_text_that_is_called_a_workbook_is_read(tmp_path: Path) -> None:
    path = tmp_path / "export.xls"
    path.write_text(write_csv(tmp_path / "plain.csv", ROWS).read_text().replace(",", "\t"))
    assert open_table(str(path)).to_pyarrow().to_pylist() == texts(ROWS)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("<html><body><p>Your session has ended</p></body></html>", "a page of HTML without a table"),
        (
            '<?xml version="1.0"?><Workbook xmlns="urn:schemas-microsoft-com:office:spreadsheet"/>',
            "is a workbook of XML of 2003: open it in a spreadsheet and save it as .xlsx",
        ),
        ("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "x" * 600, "is not a whole workbook"),
    ],
)
def test_what_holds_no_table_is_refused(tmp_path: Path, text: str, says: str) -> None:
    path = tmp_path / "export.xls"
    path.write_text(text, encoding="latin-1")
    with pytest.raises(SourceError, match=says):
        open_table(str(path))
