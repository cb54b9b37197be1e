"""The list as a spreadsheet: whole, in bounded memory, and with texts that stay texts."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
import zipfile
from contextlib import closing
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import pytest

from churn_mlops.serving.console.work_list import list_export, list_view
from churn_mlops.serving.console.work_list.csv_export import COLUMNS, FileRow, file_row
from churn_mlops.serving.console.work_list.xlsx_export import Sheet, remove_left_folders
from churn_mlops.store.campaigns.list_work import ListWork
from tests.serving.console.visitor import Visitor
from tests.serving.console.work_list.test_list_page import LISTED
from tests.serving.console.work_list.test_list_view import FORMULAS, prediction

NAMES = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"


def cells(content: bytes) -> list[list[tuple[str, str]]]:
    """The cells of the sheet row by row: type (``n`` a number, ``inlineStr`` or ``s`` a text) and content."""
    with zipfile.ZipFile(BytesIO(content)) as file:
        assert file.testzip() is None
        sheet = ElementTree.fromstring(file.read("xl/worksheets/sheet1.xml"))
    assert list(sheet.iter(f"{NAMES}f")) == []  # no formula
    return [
        [(cell.get("t", "n"), "".join(cell.itertext())) for cell in row.iter(f"{NAMES}c")]
        for row in sheet.iter(f"{NAMES}row")
    ]


def sheet_of(*customers: str) -> bytes:
    sheet = Sheet()
    sheet.add(
        file_row(prediction(rank, name, [{"text": name}]), ListWork(name, owner=name), "taken")
        for rank, name in enumerate(customers, 1)
    )
    sheet.finish()
    content = b"".join(sheet.content())
    assert len(content) > 1000
    return content


def test_texts_that_look_like_formulas_links_or_numbers_stay_as_they_are() -> None:
    names = [*(sign for sign in FORMULAS if sign.isprintable()), "https://evil.example", "0017", "{=1}", "<b>&"]
    header, *rows = cells(sheet_of(*names))
    assert tuple(text for _, text in header) == COLUMNS
    for name, row in zip(names, rows, strict=True):
        found = dict(zip(COLUMNS, row, strict=False))
        assert found["customer"] == found["reason_1"] == found["owner"] == ("inlineStr", name)
        assert (found["rank"][0], found["score"]) == ("n", ("n", "0.5"))


def test_a_list_that_is_too_long_for_a_spreadsheet_is_refused_before_it_is_made(
    visitor: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (list_export, list_view):
        monkeypatch.setattr(module, "MOST_ROWS", LISTED - 1)
    visitor.sign_in("analyst")
    answer = visitor.get("/list.xlsx")
    words = f"{LISTED} customers: more than {LISTED - 1} rows, export CSV"
    assert (answer.status_code, words in answer.text) == (422, True)
    assert "Export XLSX" not in visitor.get("/list").text + visitor.get("/list?part=all").text
    assert "Export XLSX" in visitor.get("/list?q=C00001").text
    assert visitor.get("/list.xlsx?q=C00001").status_code == 200


def test_the_folder_of_a_server_that_was_killed_is_removed_and_no_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    (tmp_path / "churn-list-left").mkdir()
    (tmp_path / "churn-list-left" / "list.xlsx").write_bytes(b"rows")
    (tmp_path / "another").mkdir()
    with closing(Sheet()) as sheet:
        remove_left_folders()
        assert sorted(entry.name.startswith("churn-list-") for entry in tmp_path.iterdir()) == [False, True]
        sheet.finish()
        assert sheet.size > 1000
    assert [entry.name for entry in tmp_path.iterdir()] == ["another"]


def test_the_memory_does_not_grow_with_the_list() -> None:
    def peak(rows: int) -> int:
        tracemalloc.start()
        sheet = Sheet()
        for first in range(0, rows, 500):
            sheet.add(
                FileRow(prediction(first + place, "", ["a reason of some length: +3 points"]))
                for place in range(1, 501)
            )
        sheet.finish()
        sheet.close()
        found = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return found

    assert peak(500) > 0  # what is loaded once
    assert peak(8_000) < 1.5 * peak(1_000) + 1_000_000


def test_the_page_gives_the_rows_of_the_selection_and_leaves_nothing_behind(
    visitor: Visitor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    visitor.sign_in("analyst")
    assert "Export XLSX" in visitor.get("/list").text
    answer = visitor.get("/list.xlsx?part=all&q=C00001")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="churn-all-C00001-2026-11-22.xlsx"'
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    _, *rows = cells(answer.content)
    assert [row[1][1] for row in rows] == [f"C{number:06d}" for number in range(10, 20)]
    assert [entry for entry in tmp_path.iterdir() if entry.name.startswith("churn-list-")] == []
    visitor.send("/account", "/sign-out")
    visitor.sign_in("agent")
    assert visitor.get("/list.xlsx").status_code == 403


def test_a_server_starts_without_the_library() -> None:
    code = "import sys, churn_mlops.serving.server; sys.exit('xlsxwriter' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
