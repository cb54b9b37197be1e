"""Campaigns, the work on the list, timelines and imports over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.serving.access.principal import Principal
from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store, open_store
from churn_mlops.store.access.users import add_user
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.erasure import forget
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import DAY, NEXT, batch, run

LOCAL = "http://localhost"
TODAY = datetime.now(UTC).date()
SPRING = {"name": "Spring", "offer": "20 % off", "offer_cost": 50, "script": "We would like to thank you."}


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_store"))
    return f"sqlite:///{tmp_path}/churn.db"


@pytest.fixture
def store(address: str) -> Iterator[Store]:
    with open_store(address) as store:
        names = [f"C{place}" for place in range(6)]
        publish(store, run(DAY), [batch(names, [0.5, 0.4, 0.3, 0.2, 0.1, 0.0])])
        published = batch(names, [0.9, 0.8, 0.7, 0.6, 0.3, 0.1])
        publish(store, run(NEXT), [replace(published, campaign_id=[1, 1, None, None, None, None])])
        yield store


class Agents:
    """A client for each agent; all of them ask one server."""

    def __init__(self, client: TestClient) -> None:
        self._client = client
        self.name = "person:anna"

    def of(self, name: str) -> TestClient:
        self.name = name
        return self._client


@pytest.fixture
def agents(source: Any, settings: Any, address: str, store: Store) -> Iterator[Agents]:
    link = StoreClient(address)
    app = create_app(source, settings, store=link)
    found: list[Agents] = []

    async def signed_in(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["caller"] = Principal(found[0].name, "agent")
        await app(scope, receive, send)

    with TestClient(signed_in, base_url=LOCAL) as client:
        found.append(Agents(client))
        yield found[0]
    link.close()


@pytest.fixture
def client(agents: Agents) -> TestClient:
    return agents.of("person:anna")


def test_a_campaign_is_made_watched_and_ended(client: TestClient, store: Store) -> None:
    made = client.post("/api/campaigns", json=SPRING)
    assert made.status_code == 201
    id = made.json()["id"]
    assert (made.json()["state"], made.json()["starts_on"], made.json()["control_share"]) == (
        "running", TODAY.isoformat(), 0.1,
    )  # fmt: skip
    assert client.get("/api/campaigns").json() == {"campaigns": [made.json()]}
    with store.writing("assign") as connection:
        arms = [("C0", "control", False), ("C1", "treated", True), ("C2", "treated", False)]
        add_assignments(connection, [Assignment(id, name, arm, explored, TODAY) for name, arm, explored in arms])
    body = {"customer_id": "C0", "offer": "20 % off", "result": "accepted", "override_reason": "they threatened to go"}
    contact = client.post("/contacts", json=body, headers={"Idempotency-Key": "k"}).json()
    watched = client.get(f"/api/campaigns/{id}").json()
    assert {name: watched[name] for name in ("treated", "control", "explored", "contacts")} == {
        "treated": 2, "control": 1, "explored": 1, "contacts": {"accepted": 1},
    }  # fmt: skip
    assert watched["overrides"] == [
        {
            "contact_id": contact["id"],
            "customer_id": "C0",
            "at": contact["at"],
            "caller": "person:anna",
            "reason": "they threatened to go",
        }
    ]
    ended = client.post(f"/api/campaigns/{id}/end", json={"reason": "the budget is spent"}).json()
    assert (ended["state"], ended["ended_by"], ended["ended_reason"]) == ("ended", "person:anna", "the budget is spent")
    again = client.post(f"/api/campaigns/{id}/end", json={"reason": "again"})
    assert (again.status_code, "person:anna ended the campaign" in again.json()["error"]) == (409, True)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"name": ""}, "name"),
        ({"offer_cost": -1}, "offer_cost"),
        ({"offer_cost": "NaN"}, "offer_cost"),
        ({"control_share": 1}, "control_share"),
        ({"explore_share": -0.1}, "explore_share"),
        ({"min_score": 1.1}, "min_score"),
        ({"risk_band": "low"}, "risk_band"),
        ({"capacity": -1}, "capacity"),
        ({"ends_on": "2030-02-30"}, "ends_on"),
        ({"starts_on": 0}, "starts_on"),
        ({"scrpt": "x"}, "scrpt"),
    ],
)
def test_a_wrong_field_is_named_and_no_campaign_is_made(
    client: TestClient, changed: dict[str, Any], field: str
) -> None:
    answer = client.post("/api/campaigns", json=SPRING | changed)
    assert (answer.status_code, [one["field"] for one in answer.json()["fields"]]) == (422, [field])
    assert client.get("/api/campaigns").json() == {"campaigns": []}


@pytest.mark.parametrize("dates", [{"ends_on": "2020-01-01"}, {"starts_on": "2030-01-02", "ends_on": "2030-01-01"}])
def test_a_campaign_does_not_end_before_its_start(client: TestClient, dates: dict[str, str]) -> None:
    answer = client.post("/api/campaigns", json=SPRING | dates)
    assert (answer.status_code, answer.json()["fields"]) == (
        409, [{"field": "ends_on", "problem": "lies before the start"}],
    )  # fmt: skip
    assert client.get("/api/campaigns").json() == {"campaigns": []}


def test_a_name_is_given_once_and_an_unknown_campaign_is_404(client: TestClient) -> None:
    assert [client.post("/api/campaigns", json=SPRING).status_code for _ in range(2)] == [201, 409]
    for answer in (client.get("/api/campaigns/99"), client.post("/api/campaigns/99/end", json={"reason": "none"})):
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (404, "campaign_id")


def names(client: TestClient, query: str = "") -> list[str]:
    return [one["customer_id"] for one in client.get(f"/api/list?{query}").json()["customers"]]


def test_the_list_is_filtered_sorted_searched_and_paged(agents: Agents) -> None:
    client = agents.of("person:anna")
    whole = client.get("/api/list").json()
    assert (whole["as_of"], whole["total"], whole["states"], whole["next"]) == (NEXT.isoformat(), 4, {"open": 4}, None)
    assert names(client) == ["C0", "C1", "C2", "C3"]
    first = client.get("/api/list?limit=3").json()
    assert ([one["customer_id"] for one in first["customers"]], first["next"]) == (["C0", "C1", "C2"], 3)
    assert names(client, "limit=3&skip=3") == ["C3"]
    assert names(client, "campaign_id=1") == ["C0", "C1"]
    assert names(client, "search=C2") == ["C2"]
    assert names(client, "search=%25") == []
    assert names(client, "sort=expected_gain") == ["C0", "C1", "C2", "C3"]
    client.post("/api/list/C1/take", json={})
    agents.of("person:ben").post("/api/list/C2/take", json={})
    assert names(agents.of("person:anna"), "owner=me") == ["C1"]
    assert names(client, "owner=person:ben") == ["C2"]
    assert names(client, "state=open") == ["C0", "C3"]
    assert client.get("/api/list").json()["states"] == {"open": 2, "taken": 2}


def test_the_second_agent_who_takes_a_customer_sees_who_has_them(agents: Agents) -> None:
    taken = agents.of("person:anna").post("/api/list/C1/take", json={"version": 0})
    assert (taken.status_code, taken.json()["owner"], taken.json()["state"]) == (200, "person:anna", "taken")
    second = agents.of("person:ben").post("/api/list/C1/take", json={})
    assert second.status_code == 409
    assert second.json()["error"].startswith("person:anna works on this customer since ")
    assert second.json()["fields"] == [{"field": "customer_id", "problem": "is taken by person:anna"}]
    assert agents.of("person:ben").post("/api/list/C1/done", json={"version": 1}).status_code == 409
    [row] = agents.of("person:ben").get("/api/list?search=C1").json()["customers"]
    assert row["work"] == taken.json()


def test_a_customer_is_handed_on_snoozed_and_done(agents: Agents, store: Store) -> None:
    add_user(store, "ben", "correct horse battery", "agent", by="test")
    client = agents.of("person:anna")
    client.post("/api/list/C1/take", json={})
    handed = client.post(
        "/api/list/C1/hand-on", json={"version": 1, "to": "person:ben", "note": "Ben knows them"}
    ).json()
    assert (handed["owner"], handed["note"], handed["version"]) == ("person:ben", "Ben knows them", 2)
    stale = client.post("/api/list/C1/hand-on", json={"version": 1, "to": None})
    assert (stale.status_code, stale.json()["fields"]) == (409, [{"field": "version", "problem": "is 2 now"}])
    until = (TODAY + timedelta(days=2)).isoformat()
    ben = agents.of("person:ben")
    snoozed = ben.post("/api/list/C1/snooze", json={"version": 2, "until": until}).json()
    assert (snoozed["state"], snoozed["snoozed_until"]) == ("snoozed", until)
    done = ben.post("/api/list/C1/done", json={"version": 3, "note": "They stay."}).json()
    assert (done["state"], done["owner"], done["changed_by"]) == ("done", None, "person:ben")
    assert names(ben, "state=done") == ["C1"]


@pytest.mark.parametrize("customer", ["C5", "nobody"])
def test_a_customer_who_is_not_on_the_list_cannot_be_taken(client: TestClient, customer: str) -> None:
    answer = client.post(f"/api/list/{customer}/take", json={})
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (404, "customer_id")


def test_a_customer_of_the_list_who_gets_no_offer_any_more_says_why(client: TestClient, store: Store) -> None:
    set_do_not_contact(store, "C0", blocked=True, reason="they asked", by="cli:anna")
    row = client.get("/api/list").json()["customers"][0]
    assert (row["customer_id"], row["action"], row["why_not"], row["why_not_words"]) == (
        "C0", "leave_alone", "do_not_contact", "they must not be contacted",
    )  # fmt: skip


def test_without_a_list_there_is_none(source: Any, settings: Any, tmp_path: Path) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/empty.db")
    with TestClient(create_app(source, settings, store=link), base_url=LOCAL) as client:
        assert client.get("/api/list").status_code == client.post("/api/list/C1/take", json={}).status_code == 404
    link.close()


def test_a_timeline_holds_scores_with_what_changed_contacts_notes_wishes_and_arms(
    client: TestClient, store: Store
) -> None:
    id = client.post("/api/campaigns", json=SPRING).json()["id"]
    with store.writing("assign") as connection:
        add_assignments(connection, [Assignment(id, "C1", "treated", False, TODAY)])
    body = {"customer_id": "C1", "offer": "20 % off", "result": "no_answer"}
    contact = client.post("/contacts", json=body, headers={"Idempotency-Key": "k"}).json()
    note = client.post("/customers/C1/notes", json={"text": "They asked for a call after 6 p.m."})
    blocked = client.post("/customers/C1/do-not-contact", json={"blocked": True, "reason": "they asked"})
    lifted = client.post("/customers/C1/do-not-contact", json={"blocked": False, "reason": "they called back"})
    assert [one.status_code for one in (note, blocked, lifted)] == [201, 200, 200]
    found = client.get("/customers/C1/timeline").json()
    assert found["contacts"] == [contact]
    assert found["notes"] == [note.json()]
    assert found["do_not_contact"] == [blocked.json(), lifted.json()]
    assert found["arms"][0] | {"assigned_on": None} == {
        "campaign_id": id, "campaign": "Spring", "arm": "treated", "explored": False, "assigned_on": None,
    }  # fmt: skip
    newest, oldest = found["scores"]
    assert (newest["as_of"], newest["before"], newest["change"]) == (NEXT.isoformat(), DAY.isoformat(), 40.0)
    assert (newest["new_reasons"], newest["gone_reasons"]) == (newest["reasons"], [])
    assert (oldest["as_of"], oldest["before"], oldest["change"]) == (DAY.isoformat(), None, None)


def test_a_customer_without_any_record_and_an_erased_one_have_no_timeline(
    client: TestClient, store: Store, settings: Any
) -> None:
    assert client.get("/customers/nobody/timeline").status_code == 404
    forget(store, settings.store.customer_hash_key, "C1", by="cli:anna")
    assert client.get("/customers/C1/timeline").status_code == 404
    assert client.post("/customers/C1/notes", json={"text": "They called."}).status_code == 410
    assert client.post("/customers/C1/do-not-contact", json={"blocked": True, "reason": "r"}).status_code == 410
    assert client.post("/customers/C1/do-not-contact", json={"blocked": "yes", "reason": "r"}).status_code == 422


def test_contacts_made_elsewhere_are_imported_as_csv(client: TestClient, store: Store) -> None:
    text = "customer_id,offer,result,at\nC1,20 % off,declined,2026-11-20T14:05:00Z\n"
    headers = {"Content-Type": "text/csv"}
    first, again = (client.post("/api/contacts/import", content=text, headers=headers).json() for _ in range(2))
    assert (first, again) == (
        {"recorded": 1, "repeated": 0, "erased": 0, "unknown": 0},
        {"recorded": 0, "repeated": 1, "erased": 0, "unknown": 0},
    )
    assert client.get("/contacts").json()["contacts"][0]["channel"] == "import"
    for wrong in (text.replace("declined", "perhaps").encode(), b"\xff", b""):
        answer = client.post("/api/contacts/import", content=wrong, headers=headers)
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "body")


def test_a_file_with_a_customer_of_no_published_run_is_refused_unless_it_says_so(
    client: TestClient, store: Store
) -> None:
    publish(store, run(NEXT), [batch(["C1"], [0.9])])
    text = "customer_id,offer,result,at\nC1,x,declined,2026-11-20T14:05:00Z\nC_1,x,declined,2026-11-20T14:05:00Z\n"
    refused = client.post("/api/contacts/import", content=text)
    assert refused.status_code == 422
    (problem,) = refused.json()["fields"]
    assert problem["problem"].startswith("row 3: the customer is in no published run: correct the ID")
    allowed = client.post("/api/contacts/import?allow_unknown=true", content=text)
    assert allowed.json() == {"recorded": 2, "repeated": 0, "erased": 0, "unknown": 1}
    for query in ("allow_unknown=perhaps", "allow_unknown=true&allow_unknown=true", "allow=true"):
        assert client.post(f"/api/contacts/import?{query}", content=text).status_code == 422


def test_markup_in_texts_comes_back_as_text_and_spoils_no_answer(client: TestClient, store: Store) -> None:
    markup = '<script>alert("1")</script>'
    made = client.post("/api/campaigns", json=SPRING | {"name": markup, "script": markup})
    note = client.post("/customers/C1/notes", json={"text": markup})
    assert (made.json()["name"], note.json()["text"]) == (markup, markup)
    for answer in (made, note, client.get("/customers/C1/timeline")):
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_no_line_of_the_log_names_a_customer(
    client: TestClient, store: Store, capsys: pytest.CaptureFixture[str]
) -> None:
    new = NewContact("k", "a" * 64, "C-secret", datetime.now(UTC), "20 % off", "accepted", "cli:anna")
    record_contact(store, new)
    client.post("/customers/C-secret/notes", json={"text": "text-secret"})
    client.get("/customers/C-secret/timeline")
    client.get("/api/list?search=C-secret")
    client.post("/api/list/C-secret/take", json={"note": "note-secret"})
    logged = "".join(capsys.readouterr())
    assert "/customers/{customer_id}/timeline" in logged or "timeline" in logged
    assert "secret" not in logged
