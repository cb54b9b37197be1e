"""How long contacts wait while a date of a million customers is published, on each kind of store.

python -m bench.turns [--customers 1000000]
"""

from __future__ import annotations

import argparse
import json
import tempfile
import threading
import time
from contextlib import ExitStack
from pathlib import Path

from churn_mlops.errors import StoreError
from churn_mlops.store import Store, open_store
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.scoring.publishing import publish
from tests.postgres import new_store, postgres_server
from tests.store.builders import NOW, batches, run

LOCK_WAIT_MS = 5000
"""As of a server."""


def contacts_until(store: Store, done: threading.Event) -> tuple[list[float], int]:
    """The seconds of each contact that was recorded until ``done``, and how many were refused."""
    times: list[float] = []
    refused = 0
    while not done.is_set():
        number = len(times) + refused
        contact = NewContact(f"call-{number}", "b" * 64, f"C{number:06d}", NOW, "20 % off", "accepted", "key:crm")
        began = time.perf_counter()
        try:
            record_contact(store, contact)
            times.append(time.perf_counter() - began)
        except StoreError:
            refused += 1
    return times, refused


def measured(address: str, customers: int) -> dict[str, float]:
    """Publish ``customers`` while contacts are recorded one after the other."""
    done = threading.Event()
    found: list[tuple[list[float], int]] = []
    with open_store(address) as store, open_store(address, lock_wait_ms=LOCK_WAIT_MS) as other:
        asking = threading.Thread(target=lambda: found.append(contacts_until(other, done)))
        asking.start()
        began = time.perf_counter()
        publish(store, run(), batches(customers, size=10_000))
        seconds = time.perf_counter() - began
        done.set()
        asking.join()
    times, refused = found[0]
    ordered = sorted(times)
    return {
        "publish_seconds": round(seconds, 1),
        "contacts": len(times),
        "refused": refused,
        "p99_ms": round(1000 * ordered[int(0.99 * len(ordered))], 1),
        "longest_ms": round(1000 * ordered[-1], 1),
    }


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=1_000_000)
    given = parser.parse_args()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        addresses = {
            "sqlite": f"sqlite:///{folder}/churn.db",
            "postgres": new_store(stack.enter_context(postgres_server())),
        }
        for kind, address in addresses.items():
            print(json.dumps({"store": kind, "customers": given.customers, **measured(address, given.customers)}))


if __name__ == "__main__":
    main()
