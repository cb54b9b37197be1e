"""The tombstone file is append-only, survives a truncated line, and erases restored customers again."""

from __future__ import annotations

import os
import shutil
import stat
from datetime import timedelta
from pathlib import Path

import pytest

from churn_mlops.errors import StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store import open_store
from churn_mlops.store.database.vacuum import vacuum
from churn_mlops.store.erasure import forget, reapply_erasures
from churn_mlops.store.scoring.predictions import prediction_of
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import (
    Tombstone,
    Tombstones,
    all_tombstones,
    mark_of,
)
from tests.find_customer_bytes import in_files
from tests.store.planted_customer import BY, KEY, NAME, STARS, plant

STONES = [Tombstone(f"{n:064x}", mark_of(KEY), STARS + timedelta(days=n)) for n in range(3)]


def test_the_tombstone_file_is_append_only_and_readable_by_its_owner_alone(tmp_path: Path) -> None:
    file = TombstoneFile(tmp_path / "of its own" / "tombstones.jsonl")
    assert file.read() == []
    file.add([])
    assert not file.path.exists()
    file.add(STONES[:1])
    before = file.path.read_bytes()
    file.add(STONES[1:])
    file.add(STONES[:1])
    assert file.path.read_bytes().startswith(before)
    assert file.read() == STONES
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert stat.S_IMODE(file.path.parent.stat().st_mode) == 0o700


def test_a_truncated_line_spoils_no_other_line(tmp_path: Path) -> None:
    file = TombstoneFile(tmp_path / "tombstones.jsonl")
    file.add(STONES[:2])
    whole = file.path.read_bytes()
    for length in range(whole.index(b"\n") + 2, len(whole)):
        file.path.write_bytes(whole[:length])
        assert file.read() in (STONES[:1], STONES[:2])
        file.add(STONES[2:])
        assert file.read()[-1] == STONES[2]
        assert file.read()[0] == STONES[0]


def test_an_invalid_line_is_named(tmp_path: Path) -> None:
    file = TombstoneFile(tmp_path / "tombstones.jsonl")
    file.path.write_text('{"hash": 7}\n{}\n')
    with pytest.raises(StoreError, match=r"line 1 of .* is no tombstone"):
        file.read()


def test_the_file_is_not_written_through_a_link(tmp_path: Path) -> None:
    os.symlink(tmp_path / "elsewhere", tmp_path / "tombstones.jsonl")
    with pytest.raises(StoreError, match="no customer was erased"):
        TombstoneFile(tmp_path / "tombstones.jsonl").add(STONES)
    assert not (tmp_path / "elsewhere").exists()


def test_an_older_backup_brings_no_erased_customer_back(tmp_path: Path) -> None:
    path, file = tmp_path / "store" / "churn.db", TombstoneFile(tmp_path / "tombstones.jsonl")
    with open_store(f"sqlite:///{path}") as store:
        plant(store)
        vacuum(store)
        shutil.copy(path, tmp_path / "backup.db")
        forget(store, KEY, NAME, by=BY, before_commit=lambda stone: file.add([stone]))
        vacuum(store)
    for one in path.parent.iterdir():
        one.unlink()
    shutil.copy(tmp_path / "backup.db", path)
    with open_store(f"sqlite:///{path}") as store:
        assert (all_tombstones(store), prediction_of(store, NAME) is None) == ([], False)
        assert list(reapply_erasures(store, KEY, file.read(), by=BY)) == [NAME]
        assert vacuum(store).whole
        assert all_tombstones(store) == file.read()
    assert in_files(path.parent, NAME) == []


def test_a_customer_is_recognized_by_the_hash_of_any_text() -> None:
    names = ["C1", "Ω", "😀", "C1 ", "c1", "\ud800"]
    away = Tombstones(KEY, frozenset(customer_hash(KEY, name) for name in names[::2]))
    assert away.among([*names, None]) == set(names[::2])
    assert not Tombstones(KEY).among(names)
