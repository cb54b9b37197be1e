"""A .zip of files: one of them is the table, or each is a table of its own."""

from __future__ import annotations

import shutil
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from errno import ENAMETOOLONG
from pathlib import Path, PurePosixPath

import ibis
import ibis.expr.types as ir

from churn_mlops.data.findings import Finding
from churn_mlops.data.sources.file_place import FilePlace, FolderPlace, version_of
from churn_mlops.data.sources.formats.archives import LARGEST_UNPACKED, has_password, opened
from churn_mlops.data.sources.formats.file_formats import ONE_TABLE_ENDINGS, format_of, is_one_table
from churn_mlops.data.sources.formats.kept_copy import kept_copy
from churn_mlops.data.sources.place import Place, Version
from churn_mlops.errors import SourceError

MOST_FILES = 1000
_CHUNK_BYTES = 1 << 20


class ZipPlace(Place):
    """The files of a .zip, unpacked. With several, it has tables by name, as a database has.

    Args:
        path: of the .zip.
        kept: whether the tables are kept for a program that goes on asking.

    Raises:
        SourceError: it is no whole .zip, holds no table, or is larger than may be unpacked.
    """

    def __init__(self, path: Path, *, kept: bool = False) -> None:
        self.path, self.shown, self._kept = path, str(path), kept
        self._copy = kept_copy(unpack, path)
        files = self._copy.made
        inner = FilePlace(files[0], format_of(files[0])) if len(files) == 1 else FolderPlace(self._copy.folder)
        self._inner: Place = inner.to_keep() if kept else inner
        self.kind = "database" if inner.kind == "folder" else inner.kind
        self.empty, self.loaded = inner.empty, inner.loaded

    def tables(self) -> list[str]:
        """As :meth:`Place.tables`."""
        with self._named():
            return self._inner.tables()

    def open(self, name: str) -> ir.Table:
        """As :meth:`Place.open`."""
        with self._named():
            return self._inner.open(name)

    def columns(self, name: str) -> list[str]:
        """As :meth:`Place.columns`."""
        with self._named():
            return self._inner.columns(name)

    def undecided_times(self) -> list[tuple[str, str]]:
        """As :meth:`Place.undecided_times`."""
        return self._inner.undecided_times()

    def guessed_encodings(self) -> list[str]:
        """As :meth:`Place.guessed_encodings`."""
        return self._inner.guessed_encodings()

    def remarks(self) -> list[Finding]:
        """As :meth:`Place.remarks`."""
        with self._named():
            return self._inner.remarks()

    def version(self) -> Version | None:
        """As :meth:`Place.version`."""
        return version_of([self.path], copied=self._kept)

    def to_keep(self) -> Place:
        """As :meth:`Place.to_keep`."""
        return ZipPlace(self.path, kept=True)

    def settle(self) -> None:
        """As :meth:`Place.settle`."""
        self._inner.settle()

    def _connect(self) -> ibis.BaseBackend:
        return self._inner.connection

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Errors name the file in the .zip, not its copy."""
        try:
            yield
        except SourceError as error:
            raise SourceError(str(error).replace(str(self._copy.folder), self.shown)) from None


def unpack(path: Path, folder: Path) -> list[Path]:
    """Write the files of the .zip at ``path`` that are a table each into ``folder``, without their folders.

    Raises:
        SourceError: as :class:`ZipPlace`.
    """
    try:
        with opened(path, ".zip file", "pack it again") as archive:
            return _unpacked(path, archive, folder)
    except OSError as error:
        if error.errno != ENAMETOOLONG:
            raise
        raise SourceError(f"{path} holds a file whose name is too long: rename it, and pack it again") from None


def _unpacked(path: Path, archive: zipfile.ZipFile, folder: Path) -> list[Path]:
    found: dict[str, Path] = {}
    left = LARGEST_UNPACKED
    if len(archive.infolist()) > MOST_FILES:
        raise SourceError(f"{path} holds more than {MOST_FILES} files: pack the tables alone")
    members = [(member, name) for member in archive.infolist() if (name := _name(member)) is not None]
    if len(members) == 1 and not Path(members[0][1]).suffix:
        members = [(members[0][0], f"{members[0][1]}.csv")]  # pandas packs a CSV file without its ending
    for member, name in members:
        if not Path(name).suffix:
            continue
        if has_password(member):
            raise SourceError(f"{path} has a password: unpack it, and give the file or the folder")
        if name.lower() in found:
            raise SourceError(f"{path} holds two files called {name!r}: rename or remove one")
        found[name.lower()] = folder / name
        left -= _copied(archive, member, folder / name, left, path)
    if not found:
        raise SourceError(f"{path} holds no table: pack files into it that end in {ONE_TABLE_ENDINGS}")
    return list(found.values())


def _name(member: zipfile.ZipInfo) -> str | None:
    """The name of a file that may be a table, without its folders; None for all others, such as those of macOS."""
    place = PurePosixPath(member.filename.replace("\\", "/"))
    hidden = any(part.startswith((".", "__MACOSX")) for part in place.parts if part != "..")
    known = is_one_table(Path(place.name)) or not place.suffix
    return None if member.is_dir() or hidden or not known else place.name


def _copied(archive: zipfile.ZipFile, member: zipfile.ZipInfo, target: Path, most: int, path: Path) -> int:
    """Unpack one file, and return its bytes. They are counted as they come, since a .zip may state any number."""
    size = 0
    room = shutil.disk_usage(target.parent).free
    with archive.open(member) as packed, target.open("wb") as unpacked:
        while chunk := packed.read(_CHUNK_BYTES):
            size += len(chunk)
            if size > min(most, room):
                limit = "than there is room for" if room < most else f"than {LARGEST_UNPACKED / 2**30:.0f} GB"
                raise SourceError(f"{path} holds more {limit}, unpacked: give the tables alone, or as Parquet")
            unpacked.write(chunk)
    return size
