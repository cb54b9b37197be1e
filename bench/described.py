"""A real `churn serve` held to the description of its own interface: no 5xx, no answer that breaks it.

The description is fetched from the server; cases are made out of it, right ones and wrong ones, one by one and in
chains, for every route. Then it is asked by raw bytes (`tests/serving/http/raw_http_client.py`): bodies, heads and
pipelines that no client sends. Prints one line of JSON; exits with 1 where an answer was not one that is described or
promised.

    python -m bench.described [--cases 10000] [--raw 2000] [--customers 2000] [--store sqlite|postgres] [--seed 1]
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from bench.served import CHURN, EXAMPLE, wait_until_ready
from churn_mlops.store import open_store
from churn_mlops.store.access.api_keys import make_key
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.runs import published_dates
from tests.postgres import new_store, postgres_server
from tests.serving.api.openapi_cases import Held, held_to_description, prediction_ids
from tests.serving.http.raw_http_client import FUZZERS, Asked
from tests.serving.process import PATIENT

EXAMPLES = 40
"""Most random cases of a route in each round; a round asks some 1,500 times."""
KNOWN_CUSTOMERS = 50


@contextmanager
def demo_server(folder: Path, customers: int, store: str) -> Iterator[tuple[str, str, list[str]]]:
    """The demo company, served: address, an admin's key, and names of customers."""
    environment = os.environ | {"CHURN__STORE__URL": store} | PATIENT
    made = [CHURN, "demo", "--no-serve", "--customers", str(customers)]
    subprocess.run(made, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    scored = [CHURN, "--config", "demo/config.yaml", "score", "--json"]
    subprocess.run(scored, cwd=folder, env=environment, check=True, stdout=subprocess.DEVNULL)
    with open_store(store) as opened:
        key, _ = make_key(opened, "described", "admin", by="bench")
        names = [one.customer for one in predictions(opened, published_dates(opened)[0], limit=KNOWN_CUSTOMERS)]
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [CHURN, "--config", "demo/config.yaml", "serve", "--port", str(port)]
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, stderr=log)
        try:
            wait_until_ready(port, "/ready")
            yield f"http://127.0.0.1:{port}", key, names
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait()


def asked_by_bytes(address: str, key: str) -> Asked:
    """The server, to be asked by raw bytes."""
    host, port = address.removeprefix("http://").split(":")
    return Asked((host, int(port)), json.dumps(EXAMPLE).encode(), (b"X-API-Key: " + key.encode(),))


def told(held: Held, seconds: float) -> dict[str, Any]:
    """The figures."""
    return {
        "cases": held.cases,
        "failures": sum(held.failures.values()),
        "checks": dict(sorted(held.checks.items())),
        "answers": dict(sorted(held.statuses.items())),
        "seconds": round(seconds),
    }


def main() -> None:
    """Hold a server to its description; exit with 1 where it broke it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", type=int, default=10_000)
    parser.add_argument("--raw", type=int, default=2000, help="examples of each kind of raw bytes")
    parser.add_argument("--customers", type=int, default=2000)
    parser.add_argument("--store", choices=("sqlite", "postgres"), default="sqlite")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        store = f"sqlite:///{name}/churn.db"
        if given.store == "postgres":
            store = new_store(stack.enter_context(postgres_server()))
        address, key, names = stack.enter_context(demo_server(Path(name), given.customers, store))
        known = {"customer_id": names, "customer": names}
        known |= {"prediction_id": prediction_ids(address, key, EXAMPLE, names[:2])}
        start = time.perf_counter()
        held = held_to_description(address, key, given.cases, examples=EXAMPLES, seed=given.seed, known=known)
        found = {"store": given.store} | told(held, time.perf_counter() - start)
        raw = asked_by_bytes(address, key)
        for fuzz in FUZZERS.values() if given.raw else ():
            fuzz(raw, given.raw)  # raises where a promise is broken
        found |= {"raw_examples": {name: given.raw for name in FUZZERS}, "alive_afterwards": raw.is_well()}
    for failure, count in held.failures.items():
        print(f"{count} x {failure}", file=sys.stderr)
    print(json.dumps(found))
    sys.exit(1 if found["failures"] or not found["alive_afterwards"] else 0)


if __name__ == "__main__":
    main()
