"""Files appear whole or not at all, with the permissions asked for."""

from __future__ import annotations

from pathlib import Path

import pytest

from churn_mlops.atomic_files import replace_atomic, write_atomic


def test_writing_is_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "file"
    write_atomic(path, b"old")
    with pytest.raises(TypeError):
        write_atomic(path, "not bytes")  # type: ignore[arg-type]
    assert path.read_bytes() == b"old"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("mode", [0o644, 0o600])
def test_the_file_has_the_permissions_asked_for(tmp_path: Path, mode: int) -> None:
    write_atomic(tmp_path / "new" / "file", b"x", mode=mode)
    assert (tmp_path / "new" / "file").stat().st_mode & 0o777 == mode


def test_a_finished_file_takes_the_place_of_the_old_one(tmp_path: Path) -> None:
    write_atomic(tmp_path / "file", b"old")
    write_atomic(tmp_path / "made", b"new")
    replace_atomic(tmp_path / "made", tmp_path / "file")
    assert [(entry.name, entry.read_bytes()) for entry in tmp_path.iterdir()] == [("file", b"new")]
