"""A small list of customers, and the files of each kind that hold it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from random import Random
from typing import Any

import pandas as pd
import pyreadstat
import xlsxwriter

COLUMNS = ("customer_id", "tenure", "charges", "plan", "phone", "since", "churn")
Row = tuple[Any, ...]


def customers(rows: int = 12) -> list[Row]:
    """Customers of COLUMNS; some charges are missing, phones have eleven digits, and churn is 0 or 1."""
    drawn = Random(1)
    return [
        (
            f"C{row:04}",
            row * 7 % 60,
            None if row % 11 == 5 else 20 + row * 13 % 90 + 0.25,
            ("basic", "plus", "pro")[row * row % 3],
            49_170_000_000 + row,
            date(2024, 1 + row % 12, 1 + row % 28),
            int(drawn.random() < (0.8 if row * 7 % 60 < 20 else 0.1)),
        )
        for row in range(rows)
    ]


def texts(rows: Sequence[Row]) -> list[dict[str, str | None]]:
    """The rows as every reader of texts gives them."""
    return [dict(zip(COLUMNS, (None if cell is None else f"{cell}" for cell in row), strict=True)) for row in rows]


def write_csv(path: Path, rows: Sequence[Row]) -> Path:
    lines = [",".join(COLUMNS), *(",".join("" if cell is None else f"{cell}" for cell in row) for row in rows)]
    path.write_text("\n".join(lines) + "\n")
    return path


def write_sheet(
    book: xlsxwriter.Workbook, name: str, rows: Sequence[Sequence[Any]], *, right: int = 0, down: int = 0
) -> xlsxwriter.Workbook.worksheet_class:
    """Add a sheet with a header and ``rows``, so many columns to the right and rows down."""
    day = book.add_format({"num_format": "yyyy-mm-dd"})
    sheet = book.add_worksheet(name)
    for place, row in enumerate(rows):
        for at, cell in enumerate(row):
            if isinstance(cell, date):
                sheet.write_datetime(place + down, at + right, cell, day)
            else:
                sheet.write(place + down, at + right, cell)
    return sheet


def write_workbook(path: Path, rows: Sequence[Row]) -> Path:
    with xlsxwriter.Workbook(path) as book:
        write_sheet(book, "Customers", [COLUMNS, *rows])
    return path


def frame(rows: Sequence[Row]) -> pd.DataFrame:
    """The rows as a DataFrame, for the writers of other kinds."""
    return pd.DataFrame(rows, columns=list(COLUMNS))


def write_sav(path: Path, rows: Sequence[Row]) -> Path:
    """An SPSS file whose plans are codes with labels, and whose charges of -9 are declared as missing."""
    codes = {"basic": 1, "plus": 2, "pro": 3}
    coded = frame(rows).assign(plan=[codes[row[3]] for row in rows])
    coded["charges"] = coded["charges"].fillna(-9)
    labels = {"plan": {code: plan for plan, code in codes.items()}, "charges": {-9: "not known"}}
    pyreadstat.write_sav(coded, path, variable_value_labels=labels, missing_ranges={"charges": [-9]})
    return path
