"""Hosts in a network of their own on this machine: network namespaces on one bridge. It takes root and iproute2."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

_SWITCH = "switch"
NODE = "10.77.0.254/24"


def is_possible() -> bool:
    """Whether this machine lets us make hosts."""
    if os.geteuid() != 0 or shutil.which("ip") is None:
        return False
    probe = f"churnprobe{os.getpid()}"  # others may ask at the same time
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, check=False).returncode == 0
    if made:
        _ip("netns", "delete", probe)
    return made


@dataclass(frozen=True)
class Host:
    """One host.

    Args:
        name: of its namespace.
        address: its address, of version 4.
    """

    name: str
    address: str

    def command(self, *words: str) -> list[str]:
        """The command that runs ``words`` there."""
        return ["ip", "netns", "exec", self.name, *words]


class Network:
    """Makes hosts, numbered as they come."""

    def __init__(self, prefix: str) -> None:
        self._prefix, self._made = prefix, 0

    @contextmanager
    def host(self, role: str) -> Iterator[Host]:
        """A host until the block ends."""
        self._made += 1
        host = Host(f"{self._prefix}{role}", f"10.77.0.{self._made}")
        inside, port = "eth0", f"{self._prefix}{self._made}"
        switch = f"{self._prefix}{_SWITCH}"
        _ip("netns", "add", host.name)
        try:
            _ip("link", "add", port, "netns", switch, "type", "veth", "peer", inside, "netns", host.name)
            _ip("-n", switch, "link", "set", port, "master", "bridge", "up")
            _ip("-n", host.name, "address", "add", f"{host.address}/24", "dev", inside)
            _ip("-n", host.name, "link", "set", inside, "up")
            _ip("-n", host.name, "link", "set", "lo", "up")
            yield host
        finally:
            _ip("netns", "delete", host.name)


@contextmanager
def network(prefix: str) -> Iterator[Network]:
    """A network without hosts; names of namespaces begin with ``prefix``, of at most four characters."""
    switch = f"{prefix}{_SWITCH}"
    _ip("netns", "add", switch)
    try:
        _ip("-n", switch, "link", "add", "bridge", "type", "bridge")
        _ip("-n", switch, "link", "set", "bridge", "up")
        # This machine is a host of the network too: the node, which probes the pods.
        _ip("link", "add", f"{prefix}node", "type", "veth", "peer", "node", "netns", switch)
        _ip("-n", switch, "link", "set", "node", "master", "bridge", "up")
        _ip("address", "add", NODE, "dev", f"{prefix}node")
        _ip("link", "set", f"{prefix}node", "up")
        yield Network(prefix)
    finally:
        _ip("netns", "delete", switch)


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], capture_output=True, text=True, check=True)
