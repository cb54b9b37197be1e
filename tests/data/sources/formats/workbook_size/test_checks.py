"""A workbook is refused before it is read, if it would take too much memory."""

from __future__ import annotations

import zipfile
from functools import partial
from pathlib import Path
from unittest.mock import patch

import pytest
import xlsxwriter

from churn_mlops.data.sources.formats import workbook_reader
from churn_mlops.data.sources.formats.workbook_size import Limits, check_sheet, check_unpacked
from churn_mlops.data.sources.open import open_table
from churn_mlops.errors import SourceError
from tests.data.sources.formats.workbook_size.parts_of_workbooks import ROWS, write_ods, write_xlsb, write_xlsx

FAR = '<row r="2000"><c r="ALL2000"><v>1</v></c></row>'
_MILLION = Limits(cells=10**6)


@pytest.fixture
def million(monkeypatch: pytest.MonkeyPatch) -> None:
    """Read sheets of a million cells at most."""
    monkeypatch.setattr(workbook_reader, "check_sheet", partial(check_sheet, limits=_MILLION))


@pytest.mark.usefixtures("million")
@pytest.mark.parametrize("kind", ["xlsx", "xlsb"])
def test_a_value_far_out_on_a_sheet_is_refused_with_its_place_and_a_remedy(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"shop.{kind}"
    if kind == "xlsx":
        write_xlsx(path, FAR)
    else:
        write_xlsb(path, [(1999, 999, "x")])
    with pytest.raises(SourceError) as refused:
        open_table(str(path))
    assert str(refused.value) == (
        f"{path}, sheet 'S': the values reach to cell ALL2000, so the sheet has 2,000,000 cells between the "
        "first value and the last, and at most 1,000,000 are read: delete the rows and columns in which the table "
        "has no part, or export the table alone as CSV in UTF-8"
    )


def test_a_value_far_out_on_a_sheet_of_ods_is_refused_with_a_remedy(tmp_path: Path) -> None:
    more = (
        '<table:table-row table:number-rows-repeated="1048573"><table:table-cell/></table:table-row>'
        '<table:table-row><table:table-cell table:number-columns-repeated="16383"/>'
    )
    with pytest.raises(SourceError, match=r"has a value too far out on a sheet \(.*\): delete the rows and columns"):
        open_table(str(write_ods(tmp_path / "shop.ods", more)))


@pytest.mark.parametrize(
    "more",
    [
        '<row r="9"><c r="XFD9" s="1"/></row>',
        '<row r="9"><c r="XFD9" t="s"></c></row>',
        '<row r="9"><c r="XFD9"><f>1+1</f><v></v></c></row>',
        '<row r="1048576" ht="30"/>',
    ],
)
def test_a_cell_with_a_format_but_no_value_counts_for_nothing(tmp_path: Path, more: str) -> None:
    path = write_xlsx(tmp_path / "shop.xlsx", more, dimension="A1:XFD1048576")
    check_sheet(path, "S", Limits(cells=100))
    assert open_table(str(path)).to_pyarrow().num_rows == 1


def test_the_dimension_that_a_sheet_of_xlsb_states_is_checked_by_its_cells(tmp_path: Path) -> None:
    path = write_xlsb(tmp_path / "shop.xlsb", stated=(1048575, 16383))
    check_sheet(path, "S")
    assert open_table(str(path)).to_pyarrow().num_rows == 1


@pytest.mark.parametrize(
    ("more", "cell"),
    [
        (FAR, "ALL2000"),
        ('<row r="600000"><c><v>1</v></c><c><v>2</v></c></row>', "A600000 and B1"),
        ("<row><c r='B600000'><v>1</v></c></row>", "B600000 and B1"),
        ('<row\nr="600000"><c\nr="b600000" t="str"><v></v></c></row>', "B600000 and B1"),
        ('<x:row r="3"><x:c r="ALL2001" t="inlineStr"><x:is><x:t>x</x:t></x:is></x:c></x:row>', "ALL2001"),
        ('<row r="3"><c r="ZZ3"><v>1</v></c></row><row r="5000"><c r="A5000"><v>1</v></c></row>', "A5000 and ZZ3"),
    ],
)
def test_the_cell_that_is_far_out_is_found_however_the_sheet_is_written(tmp_path: Path, more: str, cell: str) -> None:
    path = write_xlsx(tmp_path / "shop.xlsx", more)
    with pytest.raises(SourceError, match=f"reach to cell {cell}, so"):
        check_sheet(path, "S", _MILLION)


def test_the_last_cell_that_fits_is_read(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "shop.xlsx", '<row r="50"><c r="T50"><v>1</v></c></row>')
    check_sheet(path, "S", Limits(cells=1000))
    with pytest.raises(SourceError, match="at most 999 are read"):
        check_sheet(path, "S", Limits(cells=999))


@pytest.mark.parametrize("size", range(40, 60))
def test_a_cell_is_found_wherever_the_parts_of_the_sheet_are_cut(tmp_path: Path, size: int) -> None:
    path = write_xlsx(tmp_path / "shop.xlsx", '<row r="9999"><c r="ZZ9999"><v>1</v></c></row>')
    with (
        patch("churn_mlops.data.sources.formats.workbook_size.checks._CHUNK_BYTES", size),
        pytest.raises(SourceError, match="reach to cell ZZ9999, so the sheet has 7,019,298 cells"),
    ):
        check_sheet(path, "S", _MILLION)


@pytest.mark.usefixtures("million")
def test_a_hidden_sheet_is_not_read_and_thus_refuses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "shop.xlsx"
    with xlsxwriter.Workbook(path) as book:
        book.add_worksheet("Plans & fees").write_column(0, 0, ["id", "a", "b"])
        book.get_worksheet_by_name("Plans & fees").write_column(0, 1, ["fee", 1, 2])
        hidden = book.add_worksheet("Old")
        hidden.write(1999, 999, "x")
        hidden.write(0, 0, "x")
        hidden.hide()
    assert open_table(str(path)).to_pyarrow().num_rows == 2
    check_sheet(path, "Plans & fees", Limits(cells=6))
    with pytest.raises(SourceError, match=r"has 6 cells between"):
        check_sheet(path, "Plans & fees", Limits(cells=5))


def test_a_workbook_that_is_too_large_unpacked_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "shop.xlsx", rows=ROWS + " " * 100_000)
    with zipfile.ZipFile(path) as archive:
        sizes = {one.filename: one.file_size for one in archive.infolist()}
    both = sum(sizes.values())
    texts = both - sizes["xl/worksheets/sheet1.xml"]
    check_unpacked(path, Limits(unpacked=both, texts=texts))
    with pytest.raises(SourceError, match="holds more than 0 GB, unpacked: give the tables alone, or as Parquet"):
        check_unpacked(path, Limits(unpacked=both - 1))
    with pytest.raises(SourceError, match="holds more than 0 GB of texts, unpacked: give the tables alone"):
        check_unpacked(path, Limits(texts=texts - 1))


def test_a_damaged_part_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "shop.xlsx")
    held = path.read_bytes()
    with zipfile.ZipFile(path) as archive:
        at = archive.getinfo("xl/styles.xml").header_offset + 60
    path.write_bytes(held[:at] + b"\xff\xff\xff" + held[at + 3 :])
    with pytest.raises(
        SourceError, match=r"is not a whole workbook \(.*\): open it in a spreadsheet and save it again"
    ):
        open_table(str(path))


def test_a_workbook_whose_parts_have_a_password_is_refused(tmp_path: Path) -> None:
    path = write_xlsx(tmp_path / "shop.xlsx")
    held = bytearray(path.read_bytes())
    for mark, flags in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = held.find(mark)
        while at >= 0:
            held[at + flags] |= 1
            at = held.find(mark, at + 1)
    path.write_bytes(held)
    with pytest.raises(SourceError, match="has a password: save it without one"):
        open_table(str(path))
