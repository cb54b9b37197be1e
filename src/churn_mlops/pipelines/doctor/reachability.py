"""Whether a server listens at an address: if none does, drivers and clients wait for minutes."""

from __future__ import annotations

import socket
from urllib.parse import urlsplit

SECONDS = 3
_PORTS = {"http": 80, "https": 443, "postgres": 5432, "postgresql": 5432, "mysql": 3306, "mssql": 1433}


def check_reachable(address: str) -> None:
    """Open and close a connection; nothing is sent. An address without a known host and port is let alone.

    Raises:
        OSError: no server listens there, or not within three seconds.
    """
    try:
        parts = urlsplit(address)
        port = parts.port or _PORTS.get(parts.scheme.partition("+")[0])
    except ValueError:
        return  # a password with signs in it that cut the address in two: what opens it says so
    if any("@" in part for part in parts[2:]) or not parts.hostname or not port:
        return
    socket.create_connection((parts.hostname, port), timeout=SECONDS).close()
