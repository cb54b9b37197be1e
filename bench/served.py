"""A server under measurement: what it is asked, and when it is ready."""

from __future__ import annotations

import contextlib
import http.client
import sys
import time
from pathlib import Path

CHURN = str(Path(sys.executable).parent / "churn")
EXAMPLE = {
    "tenure": 12,
    "monthly_charges": 65.50,
    "total_charges": 786.00,
    "contract_type": "month-to-month",
    "payment_method": "electronic_check",
    "internet_service": "fiber_optic",
    "tech_support": "no",
    "online_security": "no",
}


def wait_until_ready(port: int, path: str = "/ready", seconds: float = 60) -> None:
    """Wait for the first 200."""
    until = time.perf_counter() + seconds
    while True:
        with contextlib.suppress(OSError):  # nobody listens yet
            if request(port, "GET", path) == 200:
                return
        if time.perf_counter() > until:
            raise TimeoutError(f"{path} of port {port} does not answer 200")
        time.sleep(0.01)  # a poll: the figure is right to this much


def request(port: int, method: str, path: str, body: str | None = None) -> int:
    """The status of the answer."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request(method, path, body, {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()
