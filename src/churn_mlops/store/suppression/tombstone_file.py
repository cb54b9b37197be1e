"""The file of tombstones outside the store, which a restored backup of the store does not take back.

One line of JSON for each: hash, mark of the key, time; no customer ID. Lines are only ever added.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from churn_mlops.atomic_files import sync_folder
from churn_mlops.errors import StoreError
from churn_mlops.store.suppression.tombstones import Tombstone

_BEGINS = b'{"hash": "'


@dataclass(frozen=True)
class TombstoneFile:
    """The file at ``path``; it need not be there."""

    path: Path

    def read(self) -> list[Tombstone]:
        """All tombstones of the file, each once.

        A last line that was broken off is passed over: its customer was not erased yet at that time.

        Raises:
            StoreError: the file cannot be read, or is none of tombstones.
        """
        try:
            lines = self.path.read_bytes().split(b"\n")
        except FileNotFoundError:
            return []
        except OSError as error:
            raise StoreError(
                f"the tombstones in {self.path} cannot be read ({error.strerror}): make the file readable for this "
                "user, or set store.tombstones to where they are"
            ) from None
        found: dict[tuple[str, str], Tombstone] = {}
        for number, line in enumerate(lines, start=1):
            one = self._read_line(line, number, is_last=number == len(lines))
            if one is not None:
                found.setdefault((one.hash, one.mark), one)
        return list(found.values())

    def add(self, new: Iterable[Tombstone]) -> None:
        """Add tombstones; they are on disk when this returns. The file is made where it is not there.

        Raises:
            StoreError: they cannot be written; a line that was begun counts for none.
        """
        lines = "".join(f"{_line(one)}\n" for one in new)
        if not lines:
            return
        try:
            self._append(lines.encode())
        except OSError as error:
            raise StoreError(
                f"the tombstone cannot be written to {self.path} ({error.strerror}): make its folder writable, or set "
                "store.tombstones to another place (null keeps tombstones in the store alone); no customer was erased"
            ) from None

    def _append(self, lines: bytes) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # Not through a link, and only ever at the end: another process may be adding too.
        handle = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        try:
            # A line that a crash broke off is ended first, so that it spoils no other.
            lines = lines if _ends_whole(handle) else b"\n" + lines
            if os.write(handle, lines) < len(lines):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            os.fsync(handle)
        finally:
            os.close(handle)
        sync_folder(self.path.parent)

    def _read_line(self, line: bytes, number: int, *, is_last: bool) -> Tombstone | None:
        if not line:
            return None
        try:
            values = json.loads(line)
            return Tombstone(str(values["hash"]), str(values["key"]), datetime.fromisoformat(values["at"]))
        except (ValueError, KeyError, TypeError):
            if is_last or _is_broken_off(line):
                return None
            raise StoreError(
                f"line {number} of {self.path} is no tombstone: restore the file from a backup, or take the line out"
            ) from None


def _is_broken_off(line: bytes) -> bool:
    """Whether it is the beginning of one of ours, which a crash left and others were added after."""
    return line[: len(_BEGINS)] == _BEGINS[: len(line)] and not line.endswith(b"}")


def _line(one: Tombstone) -> str:
    return json.dumps({"hash": one.hash, "key": one.mark, "at": one.at.astimezone(UTC).isoformat()})


def _ends_whole(handle: int) -> bool:
    size = os.fstat(handle).st_size
    return size == 0 or os.pread(handle, 1, size - 1) == b"\n"
