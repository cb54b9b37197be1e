"""Workbooks of spreadsheets (.xlsx, .xlsm, .xlsb, .xls, .ods), one of the file formats of ``file_formats.py``.

Each sheet that shows and holds a header and rows is a table. Its cells are texts, as in delimited files: a number has
neither a format nor an exponent, a day is written as 2024-01-05. A cell with an error, such as #N/A, is blank.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from python_calamine import (
    CalamineError,
    CalamineSheet,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from churn_mlops.data.sources.formats.converted import ConvertedTable
from churn_mlops.data.sources.formats.sheet_table import LOOKED_AT, table_of_rows
from churn_mlops.data.sources.formats.workbook_size import SMALLER, check_sheet, check_unpacked
from churn_mlops.errors import SourceError

_SAVE_AGAIN = "open it in a spreadsheet and save it again as .xlsx, or export the sheet as CSV in UTF-8"


def convert_workbook(path: Path, folder: Path) -> dict[str, ConvertedTable]:
    """Write each sheet of the workbook at ``path`` that holds a table into ``folder``.

    Raises:
        SourceError: it is no whole workbook, is too large, has a password, or no sheet holds a table.
    """
    check_unpacked(path)
    found: dict[str, ConvertedTable] = {}
    try:
        with load_workbook(str(path)) as workbook:
            shown = [
                one.name
                for one in workbook.sheets_metadata
                if one.typ == SheetTypeEnum.WorkSheet and one.visible == SheetVisibleEnum.Visible
            ]
            for place, name in enumerate(shown):
                check_sheet(path, name)
                table = _table(workbook.get_sheet_by_name(name), folder / f"{place}.parquet", f"{path}, sheet {name!r}")
                if table is not None:
                    found[name] = table
    except PasswordError:
        raise SourceError(f"{path} has a password: save it without one") from None
    except CalamineError as error:
        if "limit exceeded" in str(error):  # of .ods
            raise SourceError(f"{path} has a value too far out on a sheet ({_first_line(error)}): {SMALLER}") from None
        raise SourceError(f"{path} is not a whole workbook ({_first_line(error)}): {_SAVE_AGAIN}") from None
    if not found:
        raise SourceError(
            f"no sheet of {path} holds a table: it needs a header of at least two names in its first {LOOKED_AT} rows, "
            "and rows below it"
        )
    return found


def _table(sheet: CalamineSheet, path: Path, where: str) -> ConvertedTable | None:
    merged = {first[0] for first, last in sheet.merged_cell_ranges or () if last[1] > first[1]}
    return table_of_rows(_with_merged(sheet), path, where, merged)


def _with_merged(sheet: CalamineSheet) -> Iterator[list[Any]]:
    """The rows of ``sheet``; a cell that is merged over several rows of one column stands in each of them."""
    ranges = sheet.merged_cell_ranges or ()
    left = (sheet.start or (0, 0))[1]  # the rows begin with the first of the sheet, their cells do not
    tall = {(at[0], at[1] - left): last[0] for at, last in ranges if last[0] > at[0] and last[1] == at[1]}
    down: dict[int, tuple[int, Any]] = {}  # by column: the last row of the open cell, and its value
    for row, cells in enumerate(sheet.iter_rows()):
        filled = list(cells)
        if all(cell == "" for cell in cells):  # below a high header, or in a gap
            yield filled
            continue
        for column, cell in enumerate(filled):
            last = tall.get((row, column))
            if last is not None:
                down[column] = (last, cell)
            elif column in down and row <= down[column][0]:
                filled[column] = down[column][1]
        yield filled


def _first_line(error: Exception) -> str:
    return str(error).split("\n")[0].strip() or type(error).__name__
