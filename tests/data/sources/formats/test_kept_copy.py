"""A full disk, or no folder, for temporary files: the fault is not that of the file that is read."""

from __future__ import annotations

import errno
import tempfile
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.feather as feather
import pytest

from churn_mlops.data.sources.formats import arrow_reader
from churn_mlops.data.sources.formats.kept_copy import room_for_copy
from churn_mlops.data.sources.open import open_table
from churn_mlops.errors import SourceError


def _windows(path: Path) -> None:
    path.write_bytes("id,city\n1,Köln\n".encode("cp1252"))


def _feather(path: Path) -> None:
    feather.write_feather(pa.table({"id": [1]}), str(path))


@pytest.mark.parametrize(("name", "write"), [("a.csv", _windows), ("a.feather", _feather)])
def test_no_folder_for_temporary_files_is_an_error_with_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Callable[[Path], None]
) -> None:
    path = tmp_path / name
    write(path)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "none"))
    with pytest.raises(SourceError, match=rf"{name} is read from a copy.*TMPDIR"):
        open_table(str(path))


def test_a_full_disk_is_no_damage_of_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.feather"
    _feather(path)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(arrow_reader, "written", full)
    with pytest.raises(SourceError, match=r"No space left on device\): make room"):
        open_table(str(path))


def test_another_error_of_the_system_stays_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(PermissionError), room_for_copy(tmp_path):
        raise PermissionError(errno.EACCES, "Permission denied")
