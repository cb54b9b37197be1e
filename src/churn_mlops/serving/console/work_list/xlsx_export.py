"""The list as XLSX, written row by row: the memory does not grow with the list, and no text becomes a formula."""

from __future__ import annotations

import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from churn_mlops.serving.console.work_list.csv_export import COLUMNS, values_of
from churn_mlops.serving.http.errors import RequestError
from churn_mlops.store.scoring.predictions import Prediction

_WIDTHS = {"customer": 16, "score": 10, "expected_gain": 14, "why_not": 18} | dict.fromkeys(COLUMNS[-3:], 40)
_PART_BYTES = 1 << 16
_MOST_ROWS = 1_048_575
"""A sheet holds no more, below its header."""


class Sheet:
    """A spreadsheet that is made in a folder of its own, and sent from there.

    The library is imported here: a server that exports nothing starts without it.
    """

    def __init__(self) -> None:
        from xlsxwriter import Workbook

        self._folder = tempfile.TemporaryDirectory(prefix="churn-list-")
        self._path = Path(self._folder.name) / "list.xlsx"
        # Each row goes to a file when the next one begins. Texts stay texts: no formula, no link, no number.
        options = {"constant_memory": True, "tmpdir": self._folder.name, "strings_to_urls": False}
        self._book = Workbook(str(self._path), options)
        self._sheet = self._book.add_worksheet("list")
        self._rows, self._is_finished = 0, False
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(COLUMNS):
            self._sheet.set_column(place, place, _WIDTHS.get(name))
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, COLUMNS, bold)

    @property
    def size(self) -> int:
        """Its length in bytes, once it is finished."""
        return self._path.stat().st_size

    def add(self, predictions: Iterable[Prediction]) -> None:
        """Add a row for each prediction.

        Raises:
            RequestError: 422, the sheet is full.
        """
        for one in predictions:
            if self._rows == _MOST_ROWS:
                raise RequestError(422, f"a spreadsheet holds {_MOST_ROWS:,} customers at most: filter, or export CSV")
            self._rows += 1
            for place, value in enumerate(values_of(one)):
                if isinstance(value, str):
                    self._sheet.write_string(self._rows, place, value)
                else:
                    self._sheet.write_number(self._rows, place, value)

    def finish(self) -> None:
        """Write the file."""
        self._is_finished = True
        self._book.close()

    def content(self) -> Iterator[bytes]:
        """The bytes of the file, part by part; its folder is gone then."""
        try:
            with self._path.open("rb") as file:
                while part := file.read(_PART_BYTES):
                    yield part
        finally:
            self.close()

    def close(self) -> None:
        """Remove the folder; a sheet that is not finished closes its files first."""
        try:
            if not self._is_finished:
                self.finish()
        finally:
            self._folder.cleanup()
