"""The file of a backup: encrypted, whole or refused, and rotated."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from churn_mlops.errors import BackupError, ConfigError
from churn_mlops.pipelines.backup.archive import FORMAT, STORE, Manifest, pack, sha256_of
from churn_mlops.pipelines.backup.encryption import decrypt, new_key
from churn_mlops.pipelines.backup.make_backup import backups_in, make_backup
from churn_mlops.pipelines.backup.restore_backup import restore_backup
from churn_mlops.store import migrate_store, open_store
from churn_mlops.store.database.copy import snapshot_store
from churn_mlops.store.database.schema import HEAD
from tests.pipelines.backup.site import Site, everything
from tests.store.builders import NOW


def test_a_backup_of_earlier_tables_is_restored(here: Site, tmp_path: Path) -> None:
    before = everything(here.address)
    folder = tmp_path / "parts"
    folder.mkdir()
    with open_store(here.address) as store:
        _, rows = snapshot_store(store, folder / STORE)
    migrate_store(f"sqlite:///{folder / STORE}", "0007")
    manifest = Manifest(FORMAT, NOW, "0.1.0", "0007", {STORE: sha256_of(folder / STORE)}, rows)
    pack(tmp_path / "old.churn", manifest, {STORE: folder / STORE})
    restore_backup(tmp_path / "old.churn", here.file, replace=True)
    assert everything(here.address) == before


def test_a_backup_of_a_later_format_is_refused(here: Site, tmp_path: Path) -> None:
    (tmp_path / STORE).write_bytes(b"")
    manifest = Manifest(FORMAT + 1, NOW, "9.0.0", "9999", {STORE: sha256_of(tmp_path / STORE)}, {})
    pack(tmp_path / "new.churn", manifest, {STORE: tmp_path / STORE})
    with pytest.raises(BackupError, match=r"of format 2, this version reads 1: .* \(9\.0\.0\)"):
        restore_backup(tmp_path / "new.churn", here.file, replace=True)


def test_a_member_that_leads_out_of_the_folder_is_refused(here: Site, tmp_path: Path) -> None:
    (tmp_path / "x").write_bytes(b"x")
    manifest = Manifest(FORMAT, NOW, "0.1.0", HEAD, {"../outside": sha256_of(tmp_path / "x")}, {})
    pack(tmp_path / "bad.churn", manifest, {"../outside": tmp_path / "x"})
    with pytest.raises(BackupError, match="which no backup has"):
        restore_backup(tmp_path / "bad.churn", here.file, replace=True)
    assert not (tmp_path / "outside").exists()


def test_old_backups_make_way_and_a_killed_one_leaves_nothing(here: Site) -> None:
    leftover = here.settings.backup.folder / ".making"
    leftover.mkdir(parents=True)
    (leftover / "store.db").write_bytes(b"of a killed backup")
    made = [here.backup(NOW + timedelta(days=day)) for day in range(3)]
    assert made[-1].deleted == (made[0].path,)
    assert backups_in(here.settings.backup.folder) == [made[1].path, made[2].path]
    assert not leftover.exists()


def test_without_a_public_key_nothing_is_written_unless_asked(here: Site) -> None:
    open_to_all = here.settings.model_copy(
        update={"backup": here.settings.backup.model_copy(update={"recipients": ()})}
    )
    with pytest.raises(ConfigError, match=r"--new-key FILE.*--not-encrypted"):
        make_backup(open_to_all, here.file)
    made = make_backup(open_to_all, here.file, plain=True)
    assert (made.is_encrypted, restore_backup(made.path, here.file, replace=True).rows["predictions"]) == (False, 40)


def damaged(content: bytes) -> Iterator[bytes]:
    yield b""
    yield content[:100]
    yield content[: len(content) // 2]
    yield content[:-1]
    yield content[:500] + bytes([content[500] ^ 1]) + content[501:]
    yield content + b"more"


def test_a_cut_or_altered_backup_and_another_key_restore_nothing(here: Site, tmp_path: Path) -> None:
    made = here.backup()
    before, content = everything(here.address), made.path.read_bytes()
    for number, bad in enumerate(damaged(content)):
        path = tmp_path / f"{number}.churn.age"
        path.write_bytes(bad)
        with pytest.raises(BackupError, match=r"does not open|cannot be read"):
            restore_backup(path, here.file, key_file=here.key, replace=True)
    (tmp_path / "other.key").write_text(new_key()[0])
    with pytest.raises(BackupError, match="does not open"):
        restore_backup(made.path, here.file, key_file=tmp_path / "other.key", replace=True)
    with pytest.raises(BackupError, match="with --key"):
        restore_backup(made.path, here.file, replace=True)
    assert everything(here.address) == before


def test_a_plain_backup_that_was_cut_or_altered_restores_nothing(here: Site, tmp_path: Path) -> None:
    made = make_backup(here.settings, here.file, plain=True)
    before, content = everything(here.address), made.path.read_bytes()
    cases = dict(enumerate(damaged(content)))
    del cases[3], cases[5]  # bytes after the last member are of no use
    for number, bad in cases.items():
        path = tmp_path / f"{number}.churn"
        path.write_bytes(bad)
        with pytest.raises(BackupError):
            restore_backup(path, here.file, replace=True)
    assert everything(here.address) == before


def test_the_private_key_opens_the_file_with_the_tools_of_the_format(here: Site, tmp_path: Path) -> None:
    made = here.backup()
    assert made.path.read_bytes().startswith(b"age-encryption.org/v1\n-> X25519 ")
    decrypt(made.path, tmp_path / "plain", here.key)
    assert (tmp_path / "plain").read_bytes()[:2] == b"\x1f\x8b"


def test_a_key_that_is_none_is_not_shown(here: Site) -> None:
    private = new_key()[0]
    wrong = here.settings.model_copy(
        update={"backup": here.settings.backup.model_copy(update={"recipients": (private,)})}
    )
    with pytest.raises(ConfigError, match="is no public key") as refused:
        make_backup(wrong, here.file)
    assert private not in str(refused.value)
    assert backups_in(wrong.backup.folder) == []
