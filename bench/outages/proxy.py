"""HAProxy in front of the replicas, as the file in the documentation sets it up."""

from __future__ import annotations

import contextlib
import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.outages.replicas import TREE, free_port

FILE = TREE / "docs" / "haproxy.cfg"


def haproxy() -> str | None:
    """Where the program is; None where it is not on this machine."""
    return shutil.which("haproxy", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/usr/local/sbin")


@contextmanager
def proxy(ports: Sequence[int], log: Path) -> Iterator[int]:
    """The port of a proxy in front of three replicas, which ends with the block; it is there when the block begins."""
    program, port = haproxy(), free_port()
    assert program is not None, "haproxy is not on this machine: apt-get install haproxy"
    environ = os.environ | {"CHURN_LISTEN": f"127.0.0.1:{port}"}
    environ |= {f"CHURN_{place}": f"127.0.0.1:{given}" for place, given in enumerate(ports, start=1)}
    with log.open("wb") as told:
        process = subprocess.Popen([program, "-db", "-f", str(FILE)], env=environ, stdout=told, stderr=told)
        try:
            _wait_until_it_listens(process, port, log)
            yield port
        finally:
            process.terminate()
            process.wait()


def _wait_until_it_listens(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    while process.poll() is None:
        with contextlib.suppress(ConnectionRefusedError), socket.create_connection(("127.0.0.1", port), timeout=5):
            return
        time.sleep(0.01)  # a poll
    raise RuntimeError(log.read_text(encoding="utf-8"))
