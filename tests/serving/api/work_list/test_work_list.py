"""What the work on the list refuses over HTTP: a customer without an offer, an owner who is no user, a date far off."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.store import Store
from churn_mlops.store.access.users import add_user, disable_user
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.clock import utc_now
from tests.serving.api.test_campaigns import TODAY, Agents, address, agents, client, names, store

__all__ = ["address", "agents", "client", "store"]  # fixtures
HORIZON = 30


def fields(answer: Any) -> tuple[int, str]:
    return answer.status_code, answer.json()["fields"][0]["field"]


def test_a_customer_who_gets_no_offer_now_is_not_taken_and_the_answer_says_why(
    client: TestClient, store: Store
) -> None:
    set_do_not_contact(store, "C0", blocked=True, reason="they asked", by="cli:anna")
    answer = client.post("/api/list/C0/take", json={})
    assert fields(answer) == (409, "customer_id")
    assert answer.json()["error"] == "the customer gets no offer now: they must not be contacted"
    assert client.get("/api/list").json()["customers"][0]["work"]["version"] == 0
    assert client.post("/api/list/C0/done", json={"version": 0}).status_code == 200  # but their work may end


@pytest.mark.parametrize("to", ["person:nobody", "person:clara", "person:dora", "ben", "key:crm"])
def test_a_customer_is_handed_on_to_no_one_but_an_active_user_who_may_work(
    client: TestClient, store: Store, to: str
) -> None:
    for name, role in (("ben", "agent"), ("clara", "analyst"), ("dora", "agent")):
        add_user(store, name, "correct horse battery", role, by="test")
    disable_user(store, "dora", by="test")
    assert fields(client.post("/api/list/C1/hand-on", json={"version": 0, "to": to})) == (422, "to")
    assert client.post("/api/list/C1/hand-on", json={"version": 0, "to": "person:ben"}).json()["owner"] == "person:ben"


@pytest.mark.parametrize(("days", "status"), [(-1, 422), (0, 422), (1, 200), (HORIZON, 200), (HORIZON + 1, 422)])
def test_a_customer_waits_from_tomorrow_to_the_horizon(client: TestClient, days: int, status: int) -> None:
    until = (TODAY + timedelta(days=days)).isoformat()
    answer = client.post("/api/list/C1/snooze", json={"version": 0, "until": until})
    assert answer.status_code == status
    if status == 422:
        assert fields(answer) == (422, "until")


def test_a_change_that_is_sent_again_is_made_once(client: TestClient) -> None:
    done = [client.post("/api/list/C1/done", json={"version": 0, "note": "They stay."}).json() for _ in range(2)]
    assert done[0] == done[1]
    assert done[0]["version"] == 1


def test_a_customer_who_was_contacted_since_the_list_is_in_that_state(agents: Agents, store: Store) -> None:
    client = agents.of("person:anna")
    client.post("/api/list/C1/take", json={})
    for name in ("C1", "C2"):
        record_contact(store, NewContact(name, "s", name, utc_now(), "20 % off", "no_answer", "person:anna"))
    assert client.get("/api/list").json()["states"] == {"open": 2, "contacted": 2}
    assert names(client, "state=contacted") == ["C1", "C2"]
    assert names(client, "state=open") == ["C0", "C3"]
    taken = client.post("/api/list/C2/take", json={"version": 0})  # a change after the contact counts more
    assert taken.json()["state"] == "taken"
    assert client.get("/api/list").json()["states"] == {"open": 2, "taken": 1, "contacted": 1}
