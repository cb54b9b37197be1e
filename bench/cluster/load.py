"""A client of the Service: predictions and contacts at a steady rate, each on a connection of its own.

    python -m bench.cluster.load ADDRESS PORT KEY RATE

It ends when its input is closed, and prints what was acknowledged and what failed, as JSON.
"""

from __future__ import annotations

import http.client
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from tests.test_api import CUSTOMER

SECONDS = 10.0


@dataclass
class Client:
    """Sends requests.

    Args:
        address: of the Service.
        port: of the Service.
        key: of the API.
        acknowledged: keys of the contacts that were answered 201.
        answered: how many requests were answered as they should be.
        failed: time since the start, kind and what came of each other request.
    """

    address: str
    port: int
    key: str
    acknowledged: list[str] = field(default_factory=list)
    answered: int = 0
    failed: list[tuple[float, str, str]] = field(default_factory=list)

    def predict(self, at: float) -> None:
        """Ask for one prediction."""
        self._send(at, "/predict", CUSTOMER, {}, 200)

    def contact(self, at: float, number: int) -> None:
        """Record one contact."""
        body = {"customer_id": f"C{number % 40:06d}", "offer": "20 % off", "result": "accepted"}
        key = f"call-{number:06d}"
        if self._send(at, "/contacts", body, {"Idempotency-Key": key}, 201):
            self.acknowledged.append(key)

    def _send(self, at: float, path: str, body: dict[str, Any], headers: dict[str, str], wanted: int) -> bool:
        connection = http.client.HTTPConnection(self.address, self.port, timeout=SECONDS)
        try:
            connection.request("POST", path, json.dumps(body), {"Authorization": f"Bearer {self.key}", **headers})
            answer = connection.getresponse()
            answer.read()
            found = str(answer.status)
        except (OSError, http.client.HTTPException) as error:
            found = type(error).__name__
        finally:
            connection.close()
        if found == str(wanted):
            self.answered += 1
            return True
        self.failed.append((round(at, 2), path, found))
        return False


def _wait_for_end(closed: threading.Event) -> None:
    sys.stdin.read()
    closed.set()


def main() -> None:
    """Send until the input is closed. Requests that hang hold up no other."""
    address, port, key, rate = sys.argv[1:]
    client, closed = Client(address, int(port), key), threading.Event()
    threading.Thread(target=_wait_for_end, args=(closed,), daemon=True).start()
    began, number, sent = time.monotonic(), 0, []
    while not closed.wait(1 / float(rate)):
        at = time.monotonic() - began
        send = (client.predict, (at,)) if number % 2 else (client.contact, (at, number))
        sent.append(threading.Thread(target=send[0], args=send[1]))
        sent[-1].start()
        number += 1
    for thread in sent:
        thread.join()
    print(json.dumps({"answered": client.answered, "acknowledged": client.acknowledged, "failed": client.failed}))


if __name__ == "__main__":
    main()
