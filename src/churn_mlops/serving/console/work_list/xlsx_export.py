"""The list as XLSX, written row by row: the memory does not grow with the list, and no text becomes a formula."""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from pathlib import Path

from churn_mlops.serving.console.work_list.csv_export import COLUMNS, FileRow, values_of

_WIDTHS = {"customer": 16, "score": 10, "expected_gain": 14, "why_not": 18, "owner": 16, "snoozed_until": 14}
_WIDTHS |= dict.fromkeys(("reason_1", "reason_2", "reason_3"), 40)
_PART_BYTES = 1 << 16
_FOLDER = "churn-list-"
MOST_ROWS = 20_000
"""A sheet is whole before its first byte is sent, so it must be made well within ``serving.request_seconds``."""


def remove_left_folders() -> None:
    """Remove the folders of servers that were killed; one that is in use has a lock, which ends with its process."""
    for folder in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError):  # it is in use, or another user's
            lock = _locked(folder)
            try:
                shutil.rmtree(folder)
            finally:
                os.close(lock)


def _locked(folder: Path) -> int:
    """The open folder with the lock on it.

    Raises:
        OSError: it cannot be opened, or another process has the lock.
    """
    opened = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    try:
        fcntl.flock(opened, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(opened)
        raise
    return opened


class Sheet:
    """A spreadsheet that is made in a folder of its own, and sent from there.

    The library is imported here: a server that exports nothing starts without it.
    """

    def __init__(self) -> None:
        from xlsxwriter import Workbook

        self._folder = tempfile.TemporaryDirectory(prefix=_FOLDER)
        self._lock = _locked(Path(self._folder.name))
        self._path = Path(self._folder.name) / "list.xlsx"
        # Each row goes to a file when the next one begins. Texts stay texts: no formula, no link, no number.
        options = {"constant_memory": True, "tmpdir": self._folder.name, "strings_to_urls": False}
        self._book = Workbook(str(self._path), options)
        self._sheet = self._book.add_worksheet("list")
        self._rows, self._is_finished, self._is_closed = 0, False, False
        bold = self._book.add_format({"bold": True})
        for place, name in enumerate(COLUMNS):
            self._sheet.set_column(place, place, _WIDTHS.get(name))
        self._sheet.freeze_panes(1, 0)
        self._sheet.write_row(0, 0, COLUMNS, bold)

    @property
    def size(self) -> int:
        """Its length in bytes, once it is finished."""
        return self._path.stat().st_size

    def add(self, rows: Iterable[FileRow]) -> None:
        """Add rows."""
        for one in rows:
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
        if self._is_closed:
            return
        self._is_closed = True
        try:
            if not self._is_finished:
                self.finish()
        finally:
            self._folder.cleanup()
            os.close(self._lock)
