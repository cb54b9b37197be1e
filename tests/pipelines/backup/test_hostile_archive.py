"""Files that someone made to harm who restores them, and disks without room."""

from __future__ import annotations

import io
import os
import shutil
import tarfile
from datetime import timedelta
from pathlib import Path
from typing import TextIO

import pytest

from churn_mlops.errors import BackupError
from churn_mlops.pipelines.backup import restore_backup as room
from churn_mlops.pipelines.backup.archive import FORMAT, MANIFEST, STORE, Manifest, pack
from churn_mlops.pipelines.backup.encryption import encrypt, new_key
from churn_mlops.pipelines.backup.make_backup import backups_in
from churn_mlops.pipelines.backup.restore_backup import restore_backup
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import list_keys, revoke_key
from churn_mlops.store.database.schema import HEAD
from tests.pipelines.backup.site import Site, everything
from tests.store.builders import NOW


def archive(path: Path, *members: tarfile.TarInfo, manifest: bytes) -> Path:
    """An archive of a manifest and members without content."""
    with tarfile.open(path, "w:gz") as tar:
        first = tarfile.TarInfo(MANIFEST)
        first.size = len(manifest)
        tar.addfile(first, io.BytesIO(manifest))
        for member in members:
            tar.addfile(member)
    return path


def link(kind: bytes, target: str) -> tarfile.TarInfo:
    member = tarfile.TarInfo(STORE)
    member.type, member.linkname = kind, target
    return member


def of(sha256: object = None, rows: object = None) -> bytes:
    """A manifest."""
    given = Manifest(FORMAT, NOW, "0.1.0", HEAD, {STORE: "0" * 64}, {})
    changed = {name: value for name, value in (("sha256", sha256), ("rows", rows)) if value is not None}
    return Manifest(**(given.__dict__ | changed)).to_json().encode()


def test_links_and_manifests_that_are_none_are_refused_and_nothing_is_restored(here: Site, tmp_path: Path) -> None:
    before = everything(here.address)
    for kind, target in ((tarfile.SYMTYPE, "/etc/passwd"), (tarfile.LNKTYPE, "nowhere"), (tarfile.DIRTYPE, "")):
        made = archive(tmp_path / "link.churn", link(kind, target), manifest=of())
        with pytest.raises(BackupError, match="is no file"):
            restore_backup(made, here.file, replace=True)
    nested = b"[" * 200_000 + b"]" * 200_000
    for manifest in (b"[]", b"1", nested, b'{"format": 1}', of(sha256=[STORE]), of(rows=[1]), of(sha256={STORE: 1})):
        made = archive(tmp_path / "manifest.churn", manifest=manifest)
        with pytest.raises(BackupError, match="its manifest cannot be read"):
            restore_backup(made, here.file, replace=True)
    assert everything(here.address) == before


def test_an_archive_without_a_store_does_not_empty_the_present_one(here: Site, tmp_path: Path) -> None:
    before = everything(here.address)
    pack(tmp_path / "none.churn", Manifest(FORMAT, NOW, "0.1.0", HEAD, {}, {}), {})
    with pytest.raises(BackupError, match="names no store"):
        restore_backup(tmp_path / "none.churn", here.file, replace=True)
    assert everything(here.address) == before


def test_a_full_disk_is_named_and_not_the_backup(tmp_path: Path) -> None:
    (tmp_path / "plain").write_bytes(os.urandom(100_000))
    with pytest.raises(BackupError, match=r"written to /dev/full .*make room"):
        encrypt(tmp_path / "plain", Path("/dev/full"), [new_key()[1]])


def test_a_clock_that_was_wrong_does_not_cost_the_newest_backup(here: Site) -> None:
    ahead = [here.backup(NOW + timedelta(days=day)) for day in (400, 401)]
    (here.settings.backup.folder / "churn-0.churn.age").mkdir()
    made = here.backup(NOW)
    assert made.deleted == ()
    assert backups_in(here.settings.backup.folder) == [made.path, *(one.path for one in ahead)]


def test_what_a_killed_restore_left_in_plain_text_is_deleted_by_the_next(
    here: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    left = tmp_path / "churn-restore-killed"
    left.mkdir()
    (left / STORE).write_bytes(b"customers in plain text")
    restore_backup(here.backup().path, here.file, key_file=here.key, replace=True)
    assert list(tmp_path.glob("churn-restore-*")) == []


@pytest.mark.parametrize("is_locked", [False, True])
def test_a_folder_that_another_restore_deletes_before_it_is_locked_is_made_again(
    here: Site, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, is_locked: bool
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    real, deleted = room.lock_file, []

    def locked(path: Path, *, wait: bool = True) -> TextIO:
        lock = real(path, wait=wait) if is_locked or deleted else None
        if not deleted:
            deleted.append(path.parent)
            shutil.rmtree(path.parent)
        return lock or real(path, wait=wait)

    monkeypatch.setattr(room, "lock_file", locked)
    restore_backup(here.backup().path, here.file, key_file=here.key, replace=True)
    assert len(deleted) == 1
    assert list(tmp_path.glob("churn-restore-*")) == []


def test_a_key_that_is_revoked_while_a_backup_is_restored_stays_revoked(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = site.backup()
    real, calls = room.keep_revocations, []

    def kept(*given: object) -> int:
        result = real(*given)  # type: ignore[arg-type]
        if not calls:
            with open_store(site.address) as store:
                revoke_key(store, list_keys(store)[0].id, by="test")
        calls.append(result)
        return result

    monkeypatch.setattr(room, "keep_revocations", kept)
    assert restore_backup(made.path, site.file, key_file=site.key, replace=True).revoked_again == 1
    assert calls == [0, 1]
    with open_store(site.address) as store:
        assert list_keys(store)[0].revoked_at is not None


def test_a_contract_that_cannot_be_read_is_named(here: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(source: Path, target: Path) -> None:  # the superuser may read every file
        raise PermissionError(13, "Permission denied", str(source))

    monkeypatch.setattr("shutil.copyfile", refused)
    with pytest.raises(BackupError, match=r"\(Permission denied, .*config.yaml\)"):
        here.backup()
    assert backups_in(here.settings.backup.folder) == []
