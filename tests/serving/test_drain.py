"""After SIGTERM a proxy may send requests until it has noticed: all of them are answered, the last one too."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import time
from contextlib import closing
from http.client import HTTPConnection
from pathlib import Path

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from tests.serving.processes import CHURN, ROOT, ask, folder
from tests.test_api import CUSTOMER

__all__ = ["folder"]  # a fixture


def status_of(connection: HTTPConnection, path: str) -> int:
    connection.request("GET", path)
    answer = connection.getresponse()
    answer.read()
    return answer.status


def is_refused(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=10).close()
    except (ConnectionRefusedError, ConnectionResetError):  # reset: it came while the socket was closed
        return True
    return False


def drain(process: subprocess.Popen[str], port: int, key: str) -> None:
    """Stop a server, while requests come on new connections and on one that was open before."""
    body = json.dumps(CUSTOMER).encode()
    with (
        closing(HTTPConnection("127.0.0.1", port, timeout=20)) as kept,
        socket.create_connection(("127.0.0.1", port), timeout=20) as slow,
    ):
        assert status_of(kept, "/ready") == 200
        for _ in range(2):  # as systemd, which sends it to each process of a service
            process.send_signal(signal.SIGTERM)
        patience = time.monotonic() + 20
        while status_of(kept, "/ready") != 503:  # the parent passes the signal on to its processes
            assert ask(port, key)[0] == 200
            assert time.monotonic() < patience
        until = time.monotonic() + 1.2
        while time.monotonic() < until:
            assert ask(port, key)[0] == 200
            assert status_of(kept, "/ready") == 503
            assert status_of(kept, "/health") == 200
        head = f"POST /predict HTTP/1.1\r\nHost: localhost\r\nX-API-Key: {key}\r\nContent-Length: {len(body)}\r\n\r\n"
        slow.sendall(head.encode() + body[:20])
        assert ask(port, key)[0] == 200
        process.send_signal(signal.SIGTERM)  # the proxy has noticed
        while not is_refused(port):
            pass
        slow.sendall(body[20:])
        assert slow.makefile("rb").readline() == b"HTTP/1.1 200 OK\r\n"


@pytest.mark.parametrize("workers", [1, 2])
def test_no_request_fails_until_the_listening_socket_is_closed_and_open_ones_end(
    folder: Path, tmp_path: Path, workers: int
) -> None:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        key, _ = make_key(store, "crm", "service", by="test")
    environ = os.environ | {"PYTHONPATH": str(ROOT / "src"), "CHURN__STORE__URL": address}
    environ |= {"CHURN__SERVING__DRAIN_SECONDS": "600", "CHURN__MODELS__FOLDER": str(folder / "models")}
    command, log = [*CHURN, "serve", "--port", "0", "--workers", str(workers)], tmp_path / "log"
    with (
        log.open("w") as errors,
        subprocess.Popen(
            command, env=environ, cwd=tmp_path, stdout=subprocess.PIPE, stderr=errors, text=True
        ) as process,
    ):
        try:
            assert process.stdout is not None
            found = re.search(r":(\d+) ", process.stdout.readline())
            assert found, log.read_text()
            drain(process, int(found[1]), key)
            assert process.wait(30) == 0
        finally:
            process.kill()
