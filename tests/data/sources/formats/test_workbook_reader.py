"""Workbooks as a source: a sheet is a table of texts, wherever in the sheet it stands."""

from __future__ import annotations

from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
import xlsxwriter

from churn_mlops.data.sources.open import open_every_table, open_table
from churn_mlops.data.sources.resolve import resolve
from churn_mlops.errors import SourceError
from tests.data.sources.formats.kinds_of_files import COLUMNS, customers, texts, write_sheet, write_workbook


def _read(path: Path, table: str | None = None) -> list[dict[str, Any]]:
    return open_table(str(path), table).to_pyarrow().to_pylist()


def _remarks(path: Path) -> dict[str, str]:
    return {one.kind: one.message for one in resolve(str(path)).remarks()}


def test_cells_are_texts_as_in_a_csv_file(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "shop.xlsx", customers())
    assert _read(path) == texts(customers())
    assert _remarks(path) == {}
    assert resolve(str(path)).columns("Customers") == list(COLUMNS)


def test_numbers_as_texts_keep_their_signs_and_others_have_no_exponent(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    with xlsxwriter.Workbook(path) as book:
        write_sheet(
            book, "Sheet1", [("id", "ware", "paid", "on"), (12345678901234.0, "007", 1.5, True), ("x", 7, 2, False)]
        )
        book.worksheets()[0].write_formula("C4", "=1/0", None, "#DIV/0!")
        book.worksheets()[0].write_string("A4", "y")
    assert _read(path) == [
        {"id": "12345678901234", "ware": "007", "paid": "1.5", "on": "true"},
        {"id": "x", "ware": "7", "paid": "2", "on": "false"},
        {"id": "y", "ware": None, "paid": None, "on": None},
    ]


def test_a_day_among_times_is_its_midnight(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    with xlsxwriter.Workbook(path, {"default_date_format": "yyyy-mm-dd hh:mm:ss"}) as book:
        rows = [("id", "at"), ("a", datetime(2024, 1, 5)), ("b", datetime(2024, 1, 5, 10, 30)), ("c", None)]
        sheet = book.add_worksheet()
        for place, row in enumerate(rows):
            sheet.write_row(place, 0, row)
    assert [row["at"] for row in _read(path)] == ["2024-01-05 00:00:00", "2024-01-05 10:30:00", None]


def test_a_table_below_a_title_beside_empty_columns_and_above_notes_is_found(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    rows = customers()
    with xlsxwriter.Workbook(path) as book:
        sheet = write_sheet(book, "Export", [COLUMNS, *rows[:5], (), *rows[5:]], right=2, down=4)
        sheet.merge_range("C1:I1", "Customers of May")
        sheet.merge_range("C4:E4", "Who")
        sheet.write("F4", "What")
        sheet.write(len(rows) + 8, 2, "Printed by the billing system")
    assert _read(path) == texts(rows)
    said = _remarks(path)
    assert said["header_below"].startswith("has its header in row 5, below 'Customers of May'")
    assert "'Printed by the billing system'" in said["note_below"]


def test_a_total_row_is_no_customer(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    rows = customers()
    total = ("Grand total", sum(row[1] for row in rows))
    with xlsxwriter.Workbook(path) as book:
        write_sheet(book, "Export", [COLUMNS, *rows, (), total])
    assert _read(path) == texts(rows)
    assert "'Grand total'" in _remarks(path)["total_row"]


@pytest.mark.parametrize("second", [("plan", "price"), ("name", "a", "b", "c", "d", "e", "f")])
def test_a_second_table_below_is_no_customer(tmp_path: Path, second: tuple[str, ...]) -> None:
    path = tmp_path / "shop.xlsx"
    rows = customers()
    with xlsxwriter.Workbook(path) as book:
        write_sheet(book, "Export", [COLUMNS, *rows, (), second, ("basic", 1), ("plus", 2)])
    assert _read(path) == texts(rows)
    assert f"from row 15 ({second[0]!r}) on: it is not read" in _remarks(path)["table_below"]


def test_an_empty_row_within_a_table_does_not_end_it(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    rows = [
        ("id", "plan", "note"),
        ("a", "x", "late"),
        ("b", "y", None),
        (),
        ("c", "z", None),
        ("d", None, None),
        ("e", "x"),
    ]
    with xlsxwriter.Workbook(path) as book:
        write_sheet(book, "Export", rows)
    assert [row["id"] for row in _read(path)] == ["a", "b", "c", "d", "e"]


def test_each_sheet_that_shows_and_holds_a_table_is_one(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    with xlsxwriter.Workbook(path) as book:
        write_sheet(book, "Customers", [COLUMNS, *customers()])
        write_sheet(book, "Read me", [("Ask Ann",), ("before you change this",)])
        write_sheet(book, "Orders", [("customer_id", "day"), ("C0001", date(2024, 5, 1))])
        write_sheet(book, "Old", [("customer_id", "day"), ("C0001", date(2023, 5, 1))]).hide()
    assert list(open_every_table(str(path))) == ["Customers", "Orders"]
    assert "2 sheets with tables (Customers, Orders): `--table Customers`" in _remarks(path)["sheets"]
    assert _read(path, "Orders") == [{"customer_id": "C0001", "day": "2024-05-01"}]
    with pytest.raises(SourceError, match=r"holds 2 tables \(Customers, Orders\): name the one to read"):
        open_table(str(path))


def test_a_workbook_of_one_table_is_a_table_of_its_folder(tmp_path: Path) -> None:
    write_workbook(tmp_path / "people.xlsx", customers())
    (tmp_path / "orders.csv").write_text("customer_id,day\nC0001,2024-05-01\n")
    place = resolve(str(tmp_path))
    assert place.tables() == ["orders", "people"]
    assert place.open("people").to_pyarrow().to_pylist() == texts(customers())


def test_a_workbook_that_changed_is_read_again(tmp_path: Path) -> None:
    path = write_workbook(tmp_path / "shop.xlsx", customers())
    assert len(_read(path)) == 12
    write_workbook(path, customers(20))
    assert len(_read(path)) == 20


def _no_table(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        write_sheet(book, "Notes", [("Nothing to see",)])


def _one_name_twice(path: Path) -> None:
    with xlsxwriter.Workbook(path) as book:
        write_sheet(book, "People", [("id", "Plan", "plan "), (1, "a", "b")])


@pytest.mark.parametrize(
    ("make", "says"),
    [
        (_no_table, "no sheet of .* holds a table: it needs a header"),
        (_one_name_twice, "sheet 'People', row 1: columns 2 and 3 are both called 'plan'"),
        (lambda path: path.write_bytes(b""), "is not a whole workbook"),
        (lambda path: path.write_bytes(b"PK\3\4" + b"x" * 500), "is not a whole workbook .*save it again"),
    ],
)
def test_a_workbook_without_a_table_is_refused(make: Any, says: str, tmp_path: Path) -> None:
    make(tmp_path / "shop.xlsx")
    with pytest.raises(SourceError, match=says):
        open_table(str(tmp_path / "shop.xlsx"))


@pytest.mark.parametrize("off", [0, 2])
def test_a_cell_that_is_merged_over_rows_stands_in_each_of_them(tmp_path: Path, off: int) -> None:
    path = tmp_path / "customers.xlsx"
    with xlsxwriter.Workbook(path) as book:
        sheet = book.add_worksheet()
        for column, name in enumerate(("id", "plan", "seats")):
            sheet.merge_range(off, off + column, off + 1, off + column, name)
        for row, cells in enumerate([(1, "a", 5), (2, "", 6), (3, "b", 7), (4, "", 8)], start=2):
            sheet.write_row(off + row, off, cells)
        sheet.merge_range(off + 2, off + 1, off + 3, off + 1, "a")
    rows = [tuple(row.values()) for row in open_table(str(path)).to_pyarrow().to_pylist()]
    assert rows == [("1", "a", "5"), ("2", "a", "6"), ("3", "b", "7"), ("4", None, "8")]
