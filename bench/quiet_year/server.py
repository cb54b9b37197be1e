"""One `churn serve` within this process: its application, its watcher, and the requests that it is sent."""

from __future__ import annotations

import random
from contextlib import ExitStack

from fastapi.testclient import TestClient

from bench.served import EXAMPLE
from churn_mlops.cli.serving import reader
from churn_mlops.config import Settings
from churn_mlops.serving.app import create_app
from churn_mlops.serving.model.model_watcher import ModelWatcher
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient

BAD = 0.04
"""Share of the requests that are a client's own fault."""
RESULTS, SHARES = ("accepted", "declined", "no_answer", "not_offered"), (0.3, 0.45, 0.2, 0.05)


class Server:
    """A server that is started and stopped.

    Args:
        name: of the instance, as Prometheus knows it.
        settings: of all.
    """

    def __init__(self, name: str, settings: Settings) -> None:
        self.name, self._settings = name, settings
        self._running = ExitStack()

    def start(self) -> None:
        store, slot = StoreClient(self._settings.store.url, connections=self._settings.store.connections), ModelSlot()
        self._running.callback(store.close)
        self._watcher = ModelWatcher(self._settings, store, slot)
        self._watcher.first()
        app = create_app(slot, self._settings, store=store, read_of_source=reader(self._settings))
        client = TestClient(app, base_url="http://localhost", raise_server_exceptions=False)
        self._client = self._running.enter_context(client)

    def stop(self) -> None:
        self._running.close()

    def page(self) -> str:
        """The page of metrics, after the readings that a server makes by itself every few seconds."""
        self._watcher.poll()
        self._client.get("/api/status")
        return self.bare_page()

    def bare_page(self) -> str:
        """The page as it is."""
        return self._client.get("/metrics").text

    def asked(self, predictions: int, risks: int, customers: list[str], draw: random.Random) -> None:
        """Answer so many requests for predictions and for the risk of ``customers``."""
        for _ in range(predictions):
            body = {} if draw.random() < BAD else EXAMPLE | {"tenure": draw.randrange(1, 70)}
            self._client.post("/predict", json=body)
        for _ in range(risks if customers else 0):
            who = "no-one" if draw.random() < BAD else draw.choice(customers)
            self._client.get(f"/customers/{who}/risk")

    def worked(self, most: int, draw: random.Random) -> int:
        """An agent opens the list and records contacts; how many were recorded."""
        listed = self._client.get("/api/list", params={"state": "open", "limit": 50}).json()["customers"]
        done = 0
        for one in listed[:most]:
            result = draw.choices(RESULTS, SHARES)[0]
            contact = {"customer_id": one["customer_id"], "offer": OFFER, "result": result, "channel": "console"}
            if result == "not_offered":
                contact["dismissal"] = "bad_time"
            key = f"call-{draw.getrandbits(60)}"
            done += self._client.post("/contacts", json=contact, headers={"Idempotency-Key": key}).status_code == 201
        return done


OFFER = "half price for three months"
