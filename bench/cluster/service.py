"""The Service: an HAProxy on a host of its own that sends each connection to one of the pods in rotation.

It tries nothing again, as the Service of a cluster does not. It learns of each change only after a while, as every node
of a cluster does.
"""

from __future__ import annotations

import socket
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.cluster.network import Host
from bench.cluster.pods import Pod
from bench.outages.proxy import haproxy

PORT = 8080
SLOTS = 8
CONFIG = """
global
    stats socket {socket} level admin
defaults
    mode http
    retries 0
    timeout connect 3s
    timeout server 30s
    timeout client 30s
frontend service
    bind {address}:{port}
    default_backend pods
backend pods
    balance roundrobin
    option http-server-close
"""


class Service:
    """The rotation.

    Args:
        host: of the proxy.
        control: its control socket.
        late: seconds until a change is known here.
    """

    def __init__(self, host: Host, control: Path, late: float) -> None:
        self.host, self._control, self._late = host, control, late
        self._slots: dict[str, int] = {}
        self._closed = threading.Event()
        self._lock = threading.Lock()

    def change(self, running: Pod, is_ready: bool) -> None:
        """Put a pod into rotation, or take it out, after a while."""
        threading.Thread(target=self._change, args=(running, is_ready), daemon=True).start()

    def close(self) -> None:
        """Take no further change."""
        with self._lock:
            self._closed.set()

    def _change(self, running: Pod, is_ready: bool) -> None:
        self._closed.wait(self._late)
        with self._lock:
            if self._closed.is_set():
                return
            if is_ready:
                slot = self._slots[running.host.name] = len(self._slots)
                self._say(f"set server pods/slot{slot} addr {running.host.address} port {running.deployment.port}")
                self._say(f"set server pods/slot{slot} state ready")
            else:
                self._say(f"set server pods/slot{self._slots[running.host.name]} state maint")

    def _say(self, command: str) -> None:
        with socket.socket(socket.AF_UNIX) as control:
            control.connect(str(self._control))
            control.sendall(f"{command}\n".encode())
            answer = control.recv(4096).decode().strip()
        assert "No such" not in answer, answer


@contextmanager
def service(host: Host, folder: Path, late: float) -> Iterator[Service]:
    """A Service without pods."""
    program, control, config = haproxy(), folder / "haproxy.socket", folder / "haproxy.cfg"
    assert program is not None, "haproxy is not on this machine: apt-get install haproxy"
    text = CONFIG.format(socket=control, address=host.address, port=PORT)
    slots = [f"    server slot{number} 127.0.0.1:1 disabled\n" for number in range(SLOTS * 4)]
    config.write_text(text + "".join(slots), encoding="utf-8")
    with subprocess.Popen(host.command(program, "-db", "-q", "-f", str(config)), stderr=subprocess.DEVNULL) as process:
        try:
            while not control.exists():
                time.sleep(0.01)  # a poll
            rotation = Service(host, control, late)
            try:
                yield rotation
            finally:
                rotation.close()
        finally:
            process.terminate()
