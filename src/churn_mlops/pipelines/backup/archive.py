"""The file of a backup: a compressed tar with a manifest, the store, the tombstones and the settings."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO

from pydantic import TypeAdapter

from churn_mlops.errors import BackupError

FORMAT = 1
MANIFEST, STORE, TOMBSTONES, SETTINGS, CONTRACT = (
    "manifest.json",
    "store.db",
    "tombstones.jsonl",
    "settings.yaml",
    "contract.yaml",
)
MEMBERS = (STORE, TOMBSTONES, SETTINGS, CONTRACT)
_MOST_MANIFEST_BYTES = 1_000_000
_PART_BYTES = 1 << 20
ROOM = "make room there, or name a folder on another disk in TMPDIR"
"""The remedy where the parts of a backup that is restored find no room."""


@dataclass(frozen=True)
class Manifest:
    """The contents of a backup.

    Args:
        format: of the file; a later one is refused.
        made_at: when the store was read.
        program: the version that wrote it.
        revision: of the store's tables.
        sha256: of each other member, by its name.
        rows: of each table, by its name.
    """

    format: int
    made_at: datetime
    program: str
    revision: str
    sha256: Mapping[str, str]
    rows: Mapping[str, int]

    def to_json(self) -> str:
        """The text in the file."""
        return json.dumps(asdict(self) | {"made_at": self.made_at.isoformat()}, indent=1, sort_keys=True)

    @classmethod
    def from_json(cls, text: bytes, where: Path) -> Manifest:
        """The manifest that was written as ``text``.

        Raises:
            BackupError: it is none, or of a later format.
        """
        try:
            values = json.loads(text)
            if values["format"] != FORMAT:
                raise BackupError(
                    f"{where} is a backup of format {values['format']!r}, this version reads {FORMAT}: restore it with "
                    f"the version that wrote it ({values['program']}) or a newer one"
                )
            return _MANIFEST.validate_python(values)
        except (ValueError, TypeError, KeyError, RecursionError):
            raise BackupError(f"{where} is no backup: its manifest cannot be read") from None


_MANIFEST = TypeAdapter(Manifest)


def sha256_of(path: Path) -> str:
    """The hash of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def pack(archive: Path, manifest: Manifest, members: Mapping[str, Path]) -> None:
    """Write the ``members``, files by their names in the archive, with their manifest first."""
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        _add(tar, MANIFEST, manifest.to_json().encode())
        for name, path in members.items():
            with path.open("rb") as file:
                _add(tar, name, file, path.stat().st_size)


def unpack(archive: Path, folder: Path) -> Manifest:
    """Write the members of ``archive`` into ``folder``, once each has the hash that the manifest states.

    Raises:
        BackupError: the archive is none, or was cut or altered.
    """
    with _opened(archive) as tar:
        first = tar.next()
        if first is None or first.name != MANIFEST or first.size > _MOST_MANIFEST_BYTES:
            raise BackupError(f"{archive} is no backup: it does not begin with a manifest")
        manifest = Manifest.from_json(_content(tar, first).read(), archive)
        while (member := tar.next()) is not None:
            # Only names that a backup has: no path leads out of the folder.
            if member.name not in manifest.sha256 or member.name not in MEMBERS:
                raise BackupError(
                    f"{archive} holds {member.name!r}, which no backup has, or its manifest does not name"
                )
            _write(_content(tar, member), folder / member.name)
    if STORE not in manifest.sha256:  # it would be taken for an empty one
        raise BackupError(f"{archive} is no backup: its manifest names no store")
    for name, sha256 in manifest.sha256.items():
        if not (folder / name).is_file() or sha256_of(folder / name) != sha256:
            raise BackupError(f"{archive} was cut or altered: {name} is not what its manifest states")
    return manifest


@contextmanager
def _opened(archive: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(archive, "r:gz") as tar:
            yield tar
    except (tarfile.TarError, EOFError, zlib.error, OSError) as error:
        raise BackupError(f"{archive} is no backup, or was cut ({error}): take another file") from None


def _write(content: IO[bytes], path: Path) -> None:
    """Write one member; a disk without room says nothing against the backup."""
    with path.open("xb") as file:
        while part := content.read(_PART_BYTES):
            try:
                file.write(part)
                file.flush()
            except OSError as error:
                raise BackupError(f"no room to unpack the backup in {path.parent} ({error.strerror}): {ROOM}") from None


def _content(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    content = tar.extractfile(member) if member.isreg() else None  # a link leads elsewhere
    if content is None:
        raise BackupError(f"{member.name!r} in the backup is no file")
    return content


def _add(tar: tarfile.TarFile, name: str, content: bytes | BinaryIO, size: int | None = None) -> None:
    about = tarfile.TarInfo(name)
    about.size, about.mode = len(content) if isinstance(content, bytes) else size or 0, 0o600
    tar.addfile(about, io.BytesIO(content) if isinstance(content, bytes) else content)
