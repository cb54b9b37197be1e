"""Making a backup: the store at one instant, however busy it is, with the tombstones and the settings."""

from __future__ import annotations

import os
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from churn_mlops import __version__
from churn_mlops.atomic_files import replace_atomic
from churn_mlops.config import DEFAULT_PATH, Settings
from churn_mlops.database_urls import shown
from churn_mlops.errors import BackupError, ConfigError
from churn_mlops.file_locks import lock_file
from churn_mlops.pipelines.backup.archive import (
    CONTRACT,
    FORMAT,
    SETTINGS,
    STORE,
    TOMBSTONES,
    Manifest,
    pack,
    sha256_of,
)
from churn_mlops.pipelines.backup.encryption import encrypt
from churn_mlops.pipelines.erasure.suppression import known_here
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.store import open_store
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.copy import snapshot_store
from churn_mlops.store.database.inspect import inspect_store
from churn_mlops.store.database.schema import RUNS
from churn_mlops.store.suppression.tombstone_file import TombstoneFile
from churn_mlops.store.suppression.tombstones import all_tombstones

ENDING, PLAIN_ENDING = ".churn.age", ".churn"


@dataclass(frozen=True)
class Backup:
    """A backup that was made.

    Args:
        path: of the file.
        made_at: when the store was read.
        bytes: size of the file.
        is_encrypted: whether only a private key opens it.
        rows: of each table, by its name.
        deleted: earlier backups that made way.
    """

    path: Path
    made_at: datetime
    bytes: int
    is_encrypted: bool
    rows: dict[str, int]
    deleted: tuple[Path, ...]


@recorded("backup")
def make_backup(
    settings: Settings, settings_file: Path | None = None, *, plain: bool = False, clock: Clock = utc_now
) -> Backup:
    """Write a backup into ``backup.folder``; servers and jobs go on meanwhile.

    Args:
        settings: of the sections ``backup``, ``store`` and ``contract``.
        settings_file: kept in the backup, as the contract is; None takes that of the working directory.
        plain: not encrypted, for a folder that is encrypted itself.
        clock: gives the time.

    Raises:
        ConfigError: there is no public key to encrypt to, or one is none.
        BackupError: there is no store, another backup is being made, or it cannot be written; nothing is left then.
        StoreError: the store fails.
    """
    if not plain and not settings.backup.recipients:
        raise ConfigError(
            "backup.recipients is empty: `churn backup --new-key FILE` makes a pair of keys, or make a backup that "
            "everyone can read with --not-encrypted"
        )
    if inspect_store(settings.store.url).tables.revision is None:  # opening it would make an empty one
        raise BackupError(
            f"there is no store at {shown(settings.store.url)}, or it has no tables, so that there is nothing to keep: "
            "see store.url; if it was lost, `churn restore` brings it back"
        )
    with _work_folder(settings.backup.folder) as folder:
        made_at = clock()
        manifest = _gather(settings, settings_file or DEFAULT_PATH, folder, made_at)
        pack(folder / "archive", manifest, {name: folder / name for name in manifest.sha256})
        if not plain:
            encrypt(folder / "archive", folder / "encrypted", settings.backup.recipients)
        name = f"churn-{made_at.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}{PLAIN_ENDING if plain else ENDING}"
        path = _put(folder / ("archive" if plain else "encrypted"), settings.backup.folder / name)
    # A store without any list is new, or was lost: the backups from before may be all that is left.
    keep = settings.backup.keep if manifest.rows[RUNS.name] else None
    deleted = _delete_old(settings.backup.folder, keep, made=path)
    return Backup(path, made_at, path.stat().st_size, not plain, dict(manifest.rows), deleted)


def backups_in(folder: Path) -> list[Path]:
    """The backups in ``folder``, the oldest first."""
    found = (path for path in folder.glob("churn-*.churn*") if path.name.endswith((ENDING, PLAIN_ENDING)))
    return sorted(path for path in found if path.is_file())


def newest_backup(folder: Path) -> Path:
    """The newest backup in ``folder``.

    Raises:
        BackupError: there is none.
    """
    found = backups_in(folder)
    if not found:
        raise BackupError(f"there is no backup in {folder}: name the file, or set backup.folder")
    return found[-1]


@contextmanager
def _work_folder(backups: Path) -> Iterator[Path]:
    """A folder that only this user can read, on the same disk; what a killed backup left in it is deleted."""
    work = backups / ".making"
    try:
        backups.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = lock_file(backups / ".lock", wait=False)
    except BlockingIOError:
        raise BackupError(f"another backup is being made in {backups}: wait until it is done") from None
    except OSError as error:
        raise BackupError(
            f"backups cannot be written to {backups} ({error.strerror}): make the folder writable, or set backup.folder"
        ) from None
    with lock:
        shutil.rmtree(work, ignore_errors=True)
        try:
            work.mkdir(mode=0o700)
            yield work
        except OSError as error:
            where = "" if error.filename is None else f", {error.filename}"
            raise BackupError(
                f"a backup cannot be made in {backups} ({error.strerror}{where}): make room there, and let this user "
                "read settings and contract"
            ) from None
        finally:
            shutil.rmtree(work, ignore_errors=True)


def _gather(settings: Settings, settings_file: Path, folder: Path, made_at: datetime) -> Manifest:
    with open_store(settings.store.url) as store:
        revision, rows = snapshot_store(store, folder / STORE)
        # Read after the store: a customer who was erased meanwhile is in the copy, and a restore removes them.
        stones = [*all_tombstones(store), *known_here(settings)]
    TombstoneFile(folder / TOMBSTONES).add({(one.hash, one.mark): one for one in stones}.values())
    for name, source in ((SETTINGS, settings_file), (CONTRACT, settings.contract.path)):
        if source.is_file():
            shutil.copyfile(source, folder / name)
    members = [name for name in (STORE, TOMBSTONES, SETTINGS, CONTRACT) if (folder / name).exists()]
    sha256 = {name: sha256_of(folder / name) for name in members}
    return Manifest(FORMAT, made_at, __version__, revision, sha256, rows)


def _put(made: Path, path: Path) -> Path:
    os.chmod(made, stat.S_IRUSR | stat.S_IWUSR)
    replace_atomic(made, path)
    return path


def _delete_old(folder: Path, keep: int | None, *, made: Path) -> tuple[Path, ...]:
    # Never the one just made: after a clock that was wrong, its name may be the oldest.
    old = tuple(path for path in backups_in(folder)[:-keep] if path != made) if keep is not None else ()
    for path in old:
        path.unlink(missing_ok=True)
    return old
