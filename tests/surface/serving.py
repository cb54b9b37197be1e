"""The HTTP interface, as a client of the complete server sees it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient
from httpx import Response
from prometheus_client.parser import text_string_to_metric_families

from churn_mlops.config import Settings
from churn_mlops.models import ChurnPredictor
from churn_mlops.store import open_store
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import batches, run
from tests.surface import bundles, collect
from tests.surface.customers import customers
from tests.surface.interface import shape, without_prose
from tests.surface.story import audit_events

ROW = customers()[0][0]
CONTACT = {"customer_id": "C1", "offer": "20 % off", "result": "accepted"}
ERASED = "forgotten"
PERSON = {"name": "anna", "password": "correct horse battery staple"}
_JSON = {"Content-Type": "application/json"}


@dataclass(frozen=True)
class Ask:
    """A request, and who asks: the header of a key, that of a session, or nothing."""

    method: str
    path: str
    body: Any = None
    headers: Mapping[str, str] = field(default_factory=dict)
    who: str = "admin"


ASKED = {
    "prediction": Ask("POST", "/predict", ROW),
    "prediction with reasons": Ask("POST", "/predict?explain=true", ROW),
    "predictions of a batch": Ask("POST", "/predict/batch", {"customers": [ROW]}),
    "risk of one customer": Ask("GET", "/customers/C1/risk"),
    "published predictions": Ask("GET", "/predictions"),
    "new contact": Ask("POST", "/contacts", CONTACT, {"Idempotency-Key": "1"}),
    "same contact again": Ask("POST", "/contacts", CONTACT, {"Idempotency-Key": "1"}),
    "other contact under the same key": Ask("POST", "/contacts", CONTACT | {"offer": "none"}, {"Idempotency-Key": "1"}),
    "contact with a forgotten customer": Ask(
        "POST", "/contacts", CONTACT | {"customer_id": ERASED}, {"Idempotency-Key": "2"}
    ),
    "contacts": Ask("GET", "/contacts"),
    "one contact": Ask("GET", "/contacts/1"),
    "audit trail": Ask("GET", "/audit"),
    "sign in": Ask("POST", "/session", PERSON, who="nobody"),
    "who am I": Ask("GET", "/session", who="anna"),
    "sign out without the CSRF token": Ask("DELETE", "/session", who="anna without token"),
    "sign out": Ask("DELETE", "/session", who="anna"),
    "sign in by a form": Ask("POST", "/session", PERSON, {"Content-Type": "text/plain"}, who="nobody"),
    "model": Ask("GET", "/model"),
    "alive": Ask("GET", "/health", who="nobody"),
    "ready": Ask("GET", "/ready", who="nobody"),
    "ready, without a body": Ask("HEAD", "/ready", who="nobody"),
    "metrics": Ask("GET", "/metrics"),
    "documentation": Ask("GET", "/docs"),
    "description": Ask("HEAD", "/openapi.json"),
    "no key": Ask("POST", "/predict", ROW, who="nobody"),
    "wrong role": Ask("GET", "/audit", who="agent"),
    "wrong host": Ask("POST", "/predict", ROW, {"Host": "evil.example"}),
    "wrong field": Ask("POST", "/predict", ROW | {"tenure": "long"}),
    "wrong parameter": Ask("GET", "/contacts?limit=0"),
    "unknown parameter": Ask("POST", "/predict?why=true", ROW),
    "no such route": Ask("GET", "/nowhere"),
    "no such customer": Ask("GET", "/customers/unknown/risk"),
    "no such prediction": Ask("GET", f"/predictions/{'0' * 32}"),
    "wrong method": Ask("GET", "/predict"),
    "too large": Ask("POST", "/predict", {"tenure": "1" * 10_000}),
}
"""Requests in their order, each by what comes of it."""


def openapi(folder: Path) -> dict[str, Any]:
    """``/openapi.json`` of the complete server, without prose and without the number of the release."""
    with served(Callers.of(folder)) as ask:
        document = ask(Ask("GET", "/openapi.json")).json()
    document["info"].pop("version")
    return without_prose(document)


def wire(folder: Path) -> dict[str, Any]:
    """Status, names of headers and shape of the body of every kind of answer, and what is counted and noted of them."""
    callers, answers = Callers.of(folder), {}
    with served(callers, max_body_bytes=5_000) as ask:
        for name, asked in ASKED.items():
            answers[name] = _described(ask(asked))
        metrics = _metrics(ask(Ask("GET", "/metrics")).text)
    with served(callers) as ask:  # what was answered is in the store once the server has ended
        answers["prediction once more"] = _described(ask(Ask("GET", f"/predictions/{callers.prediction}")))
    with served(callers, live=False, requests_per_second=0.001) as ask:
        answers["no model"] = _described(ask(ASKED["prediction"]))
        answers["too many requests"] = _described(ask(ASKED["prediction"]))
        answers["not ready"] = _described(ask(ASKED["ready"]))
    everywhere = set.intersection(*(answer["headers"] for answer in answers.values()))
    return {
        "answers": {
            name: answer | {"headers": sorted(answer["headers"] - everywhere)} for name, answer in answers.items()
        },
        "headers of every answer": sorted(everywhere),
        "audit events": audit_events(folder / "churn.db"),
        "metrics": metrics,
        "roles": {"keys": collect.KEY_ROLES, "people": collect.PERSON_ROLES},
        "routes": collect.permissions(),
    }


@dataclass
class Callers:
    """A store with what a server needs, and the headers of everyone who asks it."""

    folder: Path
    headers: dict[str, dict[str, str]]
    prediction: str = ""
    """Id of the first prediction that they got."""

    @classmethod
    def of(cls, folder: Path) -> Callers:
        """A new store in ``folder``: a key of each role, a person, a published day and an erased customer."""
        callers = cls(folder, {"nobody": {}})
        with open_store(callers.address) as store:
            for role in collect.KEY_ROLES:
                key, _ = collect.make_key(store, role, role, by="tests")
                callers.headers[role] = {"Authorization": f"Bearer {key}"}
            collect.add_user(store, PERSON["name"], PERSON["password"], "agent", by="tests")
            collect.forget(store, Settings().store.customer_hash_key, ERASED, by="tests")
            publish(store, run(), batches(3))
        return callers

    @property
    def address(self) -> str:
        """Of the store."""
        return f"sqlite:///{self.folder}/churn.db"

    def ask(self, client: TestClient, asked: Ask) -> Response:
        """The answer. After a sign-in the person may ask."""
        client.cookies.clear()
        content = None if asked.body is None else json.dumps(asked.body)
        headers = (_JSON if content else {}) | self.headers[asked.who] | asked.headers
        response = client.request(asked.method, asked.path, content=content, headers=headers)
        if response.status_code == 201 and asked.path == "/session":
            cookie = {"Cookie": response.headers["Set-Cookie"].partition(";")[0]}
            self.headers["anna without token"] = cookie
            self.headers["anna"] = cookie | {"X-CSRF-Token": response.json()["csrf_token"]}
        self.prediction = self.prediction or response.headers.get("X-Prediction-Id", "")
        return response


@contextmanager
def served(callers: Callers, *, live: bool = True, **serving: Any) -> Iterator[Callable[[Ask], Response]]:
    """Asks the complete server, with or without a model and with these settings of its section."""
    store = {"url": callers.address, "tombstones": str(callers.folder / "tombstones.jsonl")}
    settings = Settings.model_validate({"store": store, "serving": serving})
    predictor = ChurnPredictor.load(bundles.recorded_file("logistic_regression")) if live else None
    with collect.application(predictor, settings, _customer) as client:
        yield partial(callers.ask, client)


def _described(response: Response) -> dict[str, Any]:
    described: dict[str, Any] = {"status": response.status_code, "headers": set(response.headers)}
    if response.headers.get("Content-Type") == "application/json" and response.content:
        described["body"] = shape(response.json())
    return described


def _metrics(text: str) -> dict[str, Any]:
    """Our metrics with their labels; of a histogram its steps."""
    families = [one for one in text_string_to_metric_families(text) if one.name.startswith("churn_")]
    return {
        one.name: {
            "type": one.type,
            "samples": sorted({f"{sample.name} {' '.join(sorted(sample.labels))}".strip() for sample in one.samples}),
            "steps": sorted({sample.labels["le"] for sample in one.samples if "le" in sample.labels}, key=float),
        }
        for one in families
    }


def _customer(customer: str, bundle: Any) -> collect.CustomerRow | None:
    return None if customer == "unknown" else collect.CustomerRow(ROW, date(2026, 11, 23))
