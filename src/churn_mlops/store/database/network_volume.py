"""Whether the file of an SQLite store lies on a network volume, where SQLite loses what was acknowledged."""

from __future__ import annotations

import re
from pathlib import Path

from churn_mlops.database_urls import shown
from churn_mlops.errors import StoreError
from churn_mlops.store.database.database import address_of

MOUNTS = Path("/proc/self/mountinfo")
# Linux's names. SQLite's log needs locks and shared memory, which do not reach the other machines of such a volume.
_NETWORK = frozenset(
    "9p afs beegfs ceph cifs coda fuse.ceph fuse.glusterfs fuse.s3fs fuse.sshfs gfs2 glusterfs lustre ncpfs nfs nfs4 "
    "ocfs2 orangefs smb3 smbfs".split()
)


def check_local(address: str, mounts: Path = MOUNTS) -> None:
    """Refuse an SQLite store on a network volume. A server, and a system without ``mounts``, is let alone.

    Args:
        address: of the store.
        mounts: the mounts of this process, as Linux lists them.

    Raises:
        StoreError: its file is, or would be, on a network volume.
    """
    url = address_of(address)
    if url.drivername != "sqlite":
        return
    kind = _file_system_of(Path(str(url.database)), mounts)
    if kind in _NETWORK:
        raise StoreError(
            f"the store {shown(address)} is on a network volume ({kind}), where SQLite loses what several processes "
            "write: set store.url to a file on a disk of this machine, or to PostgreSQL (CHURN__STORE__URL)"
        )


def _file_system_of(path: Path, mounts: Path) -> str | None:
    """The kind of the file system that holds ``path``; of mounts at one place the last one counts."""
    try:
        lines = mounts.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found, longest = None, -1
    for line in lines:
        fields, _, rest = line.partition(" - ")
        place = Path(_unescaped(fields.split()[4]))
        if path.is_relative_to(place) and len(place.parts) >= longest:
            found, longest = rest.split()[0], len(place.parts)
    return found


def _unescaped(place: str) -> str:
    """Blanks and the like are written as their codes of three octal digits."""
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), place)
