"""Admins read the audit log page by page, and each read is recorded in it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.api.audit import NotedEvents
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import open_store
from churn_mlops.store.audit_log import record_event
from tests.serving.access.secured_app import Guarded, bearer, fill

VALUES = {"tenure": 4.0, "monthly_charges": 65.5, "total_charges": None, "contract_type": "one_year", "senior": False}


@pytest.fixture
def own(tmp_path: Path) -> Guarded:
    return fill(tmp_path)


@pytest.fixture
def client(own: Guarded, source: ModelSlot) -> Iterator[TestClient]:
    with own.client(source) as client:
        client.headers.update(bearer(own.keys["admin"]))
        yield client


def read(client: TestClient, **asked: Any) -> dict[str, Any]:
    answer = client.get("/audit", params=asked)
    assert answer.status_code == 200
    NotedEvents.model_validate_json(answer.content, strict=False)
    found: dict[str, Any] = answer.json()
    return found


def test_pages_hang_together_from_the_newest_to_the_oldest(client: TestClient) -> None:
    whole = read(client, limit=1000)
    assert whole["next"] is None
    assert [one["id"] for one in whole["events"]] == sorted((one["id"] for one in whole["events"]), reverse=True)
    paged, before = [], whole["events"][0]["id"] + 1
    while before is not None:
        page = read(client, limit=3, before=before)
        assert len(page["events"]) <= 3
        paged += page["events"]
        before = page["next"]
    assert paged == whole["events"]


def test_events_about_a_customer_are_found_by_customer_id_which_stands_nowhere(
    client: TestClient, own: Guarded
) -> None:
    assert client.get("/customers/C017-secret/risk").status_code == 200
    assert client.get("/customers/C018-secret/risk").status_code == 200
    answer = client.get("/audit", params={"customer": "C017-secret"})
    (found,) = answer.json()["events"]
    assert (found["caller"], found["event"]) == ("key:admin-key", "customer.read")
    assert found["customer_hash"] == customer_hash("churn", "C017-secret")
    assert "C017" not in answer.text


def test_an_answer_that_is_read_again_is_about_the_customer_in_it(source: ModelSlot, own: Guarded) -> None:
    with own.client(source) as client:  # ended, so that its answers are in the store
        client.headers.update(bearer(own.keys["admin"]))
        named = client.get("/customers/C017-secret/risk").headers["X-Prediction-Id"]
        nameless = client.post("/predict", json=VALUES).headers["X-Prediction-Id"]
    with own.client(source) as client:
        client.headers.update(bearer(own.keys["admin"]))
        for id in (named, nameless):
            assert client.get(f"/predictions/{id}").status_code == 200
        assert len(read(client, event="prediction.read")["events"]) == 2
        (again,) = read(client, event="prediction.read", customer="C017-secret")["events"]
    assert again["details"]["route"] == "/predictions/{prediction_id}"


def test_a_read_of_the_audit_log_is_recorded_with_its_customer(client: TestClient) -> None:
    read(client)
    read(client, customer="C017")
    by_name, whole = read(client, event="audit.read")["events"]
    assert (by_name["customer_hash"], whole["customer_hash"]) == (customer_hash("churn", "C017"), None)
    assert by_name["caller"] == "key:admin-key"
    assert by_name["details"]["route"] == "/audit"


def test_events_of_a_caller_are_found(client: TestClient, own: Guarded) -> None:
    with open_store(own.address) as store:
        record_event(store, "cli:root", "key.revoked")
    assert [one["event"] for one in read(client, caller="cli:root")["events"]] == ["key.revoked"]
    assert read(client, caller="nobody") == {"events": [], "next": None}


@pytest.mark.parametrize(
    ("asked", "field"),
    [({"limit": 0}, "limit"), ({"limit": 1001}, "limit"), ({"before": 0}, "before"), ({"before": 2**63}, "before"),
     ({"customer": ""}, "customer"), ({"caller": "a\x00"}, "caller"), ({"who": "me"}, "who")],
)  # fmt: skip
def test_a_wrong_parameter_is_named(client: TestClient, asked: dict[str, Any], field: str) -> None:
    answer = client.get("/audit", params=asked)
    assert (answer.status_code, [one["field"] for one in answer.json()["fields"]]) == (422, [field])
