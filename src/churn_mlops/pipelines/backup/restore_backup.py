"""Restoring a backup: into an empty store of either kind, or over the present one; who was erased stays erased."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TextIO

from sqlalchemy import Connection, select

from churn_mlops.atomic_files import write_atomic
from churn_mlops.config import DEFAULT_PATH, Settings, load_settings
from churn_mlops.errors import BackupError, ChurnError, PromotionError
from churn_mlops.file_locks import lock_file
from churn_mlops.models.bundle_cache import BundleCache
from churn_mlops.pipelines.backup.archive import CONTRACT, SETTINGS, STORE, TOMBSTONES, Manifest, unpack
from churn_mlops.pipelines.backup.encryption import decrypt
from churn_mlops.pipelines.backup.make_backup import ENDING
from churn_mlops.pipelines.erasure.suppression import known_here
from churn_mlops.store import Store, migrate_store, open_store
from churn_mlops.store.access.revocations import (
    Revocations,
    end_sessions,
    keep_revocations,
    revocations_in,
)
from churn_mlops.store.campaigns.do_not_contact import keep_wishes, last_wish
from churn_mlops.store.database.copy import copy_store
from churn_mlops.store.database.schema import ERASURES
from churn_mlops.store.deployments import Deployments
from churn_mlops.store.erasure import reapply_erasures
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import Tombstone, all_tombstones, checked

BY = "churn restore"
_FOLDER, _LOCK = "churn-restore-", "lock"


@dataclass(frozen=True)
class Restored:
    """The result of a restore.

    Args:
        made_at: when the store of the backup was read: what came later is not in it.
        program: the version that wrote the backup.
        rows: copied into the store, by table.
        erased_again: customers of the backup who were erased since it was made.
        revoked_again: keys and users that were revoked or disabled since.
        wishes_again: customers of the backup who asked since not to be contacted, or to be contacted again.
        written: files of settings that were not there.
        kept: files of settings that were there, and stay as they are.
    """

    made_at: datetime
    program: str
    rows: Mapping[str, int]
    erased_again: int
    revoked_again: int
    wishes_again: int
    written: tuple[Path, ...]
    kept: tuple[Path, ...]


def restore_backup(
    backup: Path, settings_file: Path | None = None, *, key_file: Path | None = None, replace: bool = False
) -> Restored:
    """Bring the store back to what it was when ``backup`` was made; all or nothing.

    Files of settings are written where there are none; the store is then the one that the settings name. The tombstones
    of the backup, of the present store and of the file outside it are applied before a row reaches it. Sessions end.

    Args:
        backup: a file of ``churn backup``.
        settings_file: None takes that of the working directory.
        key_file: the private key of an encrypted backup.
        replace: put it in place of what the store holds.

    Raises:
        BackupError: the backup cannot be opened, or was cut or altered; or the store is restored, and the folder of
            live models cannot be written.
        ConfigError: the settings are not valid, or customers were erased under another ``store.customer_hash_key``.
        StoreError: the store holds rows and ``replace`` is false, or it fails; it stays as it was.
    """
    with _work_folder() as folder:
        manifest = _opened(backup, folder, key_file)
        settings, written, kept = _settings(folder, settings_file or DEFAULT_PATH)
        copy = f"sqlite:///{folder / STORE}"
        migrate_store(copy)
        migrate_store(settings.store.url)
        with open_store(copy) as old, open_store(settings.store.url) as new:
            end_sessions(old)
            rows, counted = _copied(settings, folder, old, new, replace=replace)
            try:
                BundleCache(settings.models.folder).follow(Deployments(new))
            except PromotionError as error:
                raise BackupError(f"the store is restored, but {error}") from None
    return Restored(manifest.made_at, manifest.program, rows, *counted, written, kept)


@contextmanager
def _work_folder() -> Iterator[Path]:
    """A folder that only this user can read; what a killed restore left, customers in plain text, is deleted."""
    for left in Path(tempfile.gettempdir()).glob(f"{_FOLDER}*"):
        with suppress(OSError), lock_file(left / _LOCK, wait=False):  # it is in use, or another user's
            shutil.rmtree(left)
    folder, lock = _locked_folder()
    with folder as name, lock:
        yield Path(name)


def _locked_folder() -> tuple[tempfile.TemporaryDirectory[str], TextIO]:
    """A new folder with its lock: another one if a restore that began meanwhile has deleted it before it was locked."""
    while True:
        folder = tempfile.TemporaryDirectory(prefix=_FOLDER)
        path = Path(folder.name) / _LOCK
        with suppress(FileNotFoundError):
            lock = lock_file(path)
            if path.exists():
                return folder, lock
            lock.close()
        folder.cleanup()


def _copied(
    settings: Settings, folder: Path, old: Store, new: Store, *, replace: bool
) -> tuple[dict[str, int], tuple[int, int, int]]:
    """The rows copied; before, how many customers were erased again, keys and users revoked, and wishes kept.

    If one of these changes meanwhile, once more.
    """
    erased: set[str] = set()
    revoked = wishes = 0
    while True:
        with new.reading("read what is to outlive the restore") as connection:
            now = revocations_in(connection), last_wish(connection)
        stones = _tombstones(settings, folder, new)
        erased |= reapply_erasures(old, settings.store.customer_hash_key, stones, by=BY).keys()
        revoked += keep_revocations(now[0], old)
        wishes += keep_wishes(new, old)
        try:
            check = partial(_none_since, {one.hash for one in stones}, now)
            return copy_store(old, new, replace=replace, check=check), (len(erased), revoked, wishes)
        except _ChangedMeanwhileError:
            continue


def _none_since(applied: set[str], now: tuple[Revocations, int], target: Connection) -> None:
    erased = target.scalars(select(ERASURES.c.customer_hash))
    if not applied.issuperset(erased) or (revocations_in(target), last_wish(target)) != now:
        raise _ChangedMeanwhileError("a customer was erased, a key revoked or a wish recorded during a restore")


class _ChangedMeanwhileError(ChurnError):
    """The tombstones, revocations or wishes of the present store have changed since they were read."""


def _opened(backup: Path, folder: Path, key_file: Path | None) -> Manifest:
    if not backup.is_file():
        raise BackupError(f"there is no backup {backup}")
    archive = backup
    if backup.name.endswith(ENDING):
        if key_file is None:
            raise BackupError(f"{backup} is encrypted: give the file of its private key, with --key")
        archive = folder / "archive"
        decrypt(backup, archive, key_file)
    return unpack(archive, folder)


def _settings(folder: Path, settings_file: Path) -> tuple[Settings, tuple[Path, ...], tuple[Path, ...]]:
    """The settings by which to restore, with the files that were written for them, and those that were there."""
    written: list[Path] = []
    kept: list[Path] = []

    def put(name: str, path: Path) -> None:
        if not (folder / name).exists():
            return
        if path.exists():
            kept.append(path)
            return
        write_atomic(path, (folder / name).read_bytes(), mode=0o600)
        written.append(path)

    put(SETTINGS, settings_file)
    settings = load_settings(settings_file if settings_file.exists() else None)
    put(CONTRACT, settings.contract.path)
    return settings, tuple(written), tuple(kept)


def _tombstones(settings: Settings, folder: Path, present: Store) -> list[Tombstone]:
    found = [*TombstoneFile(folder / TOMBSTONES).read(), *all_tombstones(present), *known_here(settings)]
    return checked({(one.hash, one.mark): one for one in found}.values(), settings.store.customer_hash_key)
