"""Contacts: recorded once a key, acknowledged when committed, refused by name."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
from fastapi import FastAPI
from fastapi.testclient import TestClient

from churn_mlops.errors import StoreError
from churn_mlops.serving.access.principal import Principal
from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import Store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import NewContact, contacts, record_contact

LOCAL = "http://localhost"
CONTACT = {"customer_id": "C1", "offer": "20 % off for a year", "result": "accepted"}
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


@pytest.fixture(params=["sqlite", "postgresql"])
def address(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "postgresql":
        return str(request.getfixturevalue("postgres_store"))
    return f"sqlite:///{tmp_path}/churn.db"


@pytest.fixture
def link(address: str) -> Iterator[StoreClient]:
    link = StoreClient(address)
    yield link
    link.close()


@pytest.fixture
def client(source, settings, link: StoreClient) -> Iterator[TestClient]:
    with TestClient(create_app(source, settings, store=link), base_url=LOCAL) as client:
        yield client


@pytest.fixture
def on_file(source, settings, tmp_path: Path) -> Iterator[TestClient]:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    with TestClient(create_app(source, settings, store=link), base_url=LOCAL) as client:
        yield client
    link.close()


def post(client: TestClient, key: str = "call-1", **changed: object):
    return client.post("/contacts", json=CONTACT | changed, headers={"Idempotency-Key": key})


def test_a_contact_is_in_the_store_when_it_is_acknowledged(client: TestClient, link: StoreClient) -> None:
    answer = post(client, at="2026-11-20T14:05:00+01:00", prediction_id="b" * 32)
    assert answer.status_code == 201
    found = answer.json()
    assert found == CONTACT | {
        "id": found["id"],
        "at": "2026-11-20T13:05:00+00:00",
        "prediction_id": "b" * 32,
        "override_reason": None,
        "dismissal": None,
        "note": None,
        "campaign_id": None,
        "channel": "api",
        "caller": "local",
        "recorded_at": found["recorded_at"],
    }
    [stored] = link.ask_now(lambda store: contacts(store, limit=10))
    assert (stored.id, stored.customer, stored.key) == (found["id"], "C1", "call-1")


def test_one_contact_is_read_by_its_id_as_it_was_acknowledged(client: TestClient) -> None:
    first, second = post(client), post(client, "call-2", customer_id="C2")
    assert client.get(f"/contacts/{first.json()['id']}").content == first.content
    assert client.get(f"/contacts/{second.json()['id']}").json()["customer_id"] == "C2"
    for unknown in (second.json()["id"] + 1, 2**63 - 1):
        answer = client.get(f"/contacts/{unknown}")
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (404, "contact_id")
    for wrong in ("0", "-1", "abc", "1.5", str(2**63)):
        answer = client.get(f"/contacts/{wrong}")
        assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "contact_id")


@pytest.mark.parametrize("written", ["{}.0", "+{}", "0{}", "%20{}", "{}%20", "{}_0", "{}e0", "٣"])
def test_a_number_in_an_address_is_written_in_one_way_alone(client: TestClient, written: str) -> None:
    made = post(client).json()
    assert client.get(f"/contacts/{made['id']}").status_code == 200
    for path in (f"/contacts/{written}", f"/contacts?limit={written}", f"/api/campaigns/{written}"):
        answer = client.get(path.format(made["id"]))
        assert (answer.status_code, answer.json()["fields"][0]["problem"]) == (
            422,
            "must be a whole number, in digits alone",
        )


def test_a_repetition_is_answered_200_with_the_same_and_another_request_409(client: TestClient) -> None:
    first, again, other = post(client), post(client), post(client, result="declined")
    assert [first.status_code, again.status_code, other.status_code] == [201, 200, 409]
    assert again.content == first.content
    assert other.json()["fields"] == [{"field": "Idempotency-Key", "problem": "was used for another request"}]
    assert len(client.get("/contacts").json()["contacts"]) == 1


def test_a_contact_of_an_earlier_version_is_recognised_when_it_is_sent_again(
    client: TestClient, link: StoreClient
) -> None:
    body = CONTACT | {"at": None, "prediction_id": None, "override_reason": None}  # as the request was hashed before
    sha256 = hashlib.sha256(json.dumps(["local", body], sort_keys=True).encode()).hexdigest()
    old = NewContact("call-1", sha256, "C1", NOW, CONTACT["offer"], "accepted", "local")
    link.ask_now(lambda store: record_contact(store, old))
    assert [post(client).status_code, post(client, note="another").status_code] == [200, 409]


def test_eight_parallel_requests_with_one_key_record_it_once(client: TestClient) -> None:
    together = threading.Barrier(8)

    def record(_: int):
        together.wait(30)
        return post(client)

    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(record, range(8)))
    assert sorted(answer.status_code for answer in answers) == [200] * 7 + [201]
    assert len({answer.content for answer in answers}) == 1


def test_contacts_come_in_pages_and_by_customer(client: TestClient) -> None:
    ids = [post(client, f"k{n}", customer_id=f"C{n % 2}").json()["id"] for n in range(5)]
    first = client.get("/contacts?limit=3").json()
    second = client.get(f"/contacts?limit=3&after={first['next']}").json()
    assert [one["id"] for one in first["contacts"] + second["contacts"]] == ids
    assert second["next"] is None
    assert [one["id"] for one in client.get("/contacts?customer=C1").json()["contacts"]] == ids[1::2]


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"customer_id": ""}, "customer_id"),
        ({"customer_id": 17}, "customer_id"),
        ({"customer_id": "a\x00b"}, "customer_id"),
        ({"customer_id": "C1\n"}, "customer_id"),
        ({"customer_id": "C" * 201}, "customer_id"),
        ({"offer": "x" * 201}, "offer"),
        ({"offer": "\x85"}, "offer"),
        ({"result": "perhaps"}, "result"),
        ({"at": "2026-11-20T14:05:00"}, "at"),
        ({"at": "yesterday"}, "at"),
        ({"at": 1700000000}, "at"),
        ({"at": "1999-12-31T00:00:00Z"}, "at"),
        ({"at": "2199-12-31T00:00:00Z"}, "at"),
        ({"at": "9999-12-31T23:59:59-23:59"}, "at"),
        ({"prediction_id": "b" * 31}, "prediction_id"),
        ({"override_reason": ""}, "override_reason"),
        ({"override_reason": "r" * 1001}, "override_reason"),
        ({"result": "not_offered"}, "dismissal"),
        ({"dismissal": "bad_time"}, "dismissal"),
        ({"result": "not_offered", "dismissal": "no reason"}, "dismissal"),
        ({"result": "not_offered", "dismissal": "other"}, "note"),
        ({"channel": "pigeon"}, "channel"),
        ({"campaign_id": 0}, "campaign_id"),
        ({"custumer": "C1"}, "custumer"),
    ],
)
def test_a_wrong_field_is_named_and_nothing_is_recorded(on_file: TestClient, changed, field: str) -> None:
    answer = post(on_file, **changed)
    assert (answer.status_code, [one["field"] for one in answer.json()["fields"]]) == (422, [field])
    assert on_file.get("/contacts").json() == {"contacts": [], "next": None}


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"null", b'{"customer_id": "\\ud800"}', b"\xff", b'{"offer":1,"offer":2}']
)
def test_a_body_that_is_no_contact_is_refused(on_file: TestClient, body: bytes) -> None:
    answer = on_file.post("/contacts", content=body, headers={"Idempotency-Key": "k"})
    assert (answer.status_code, answer.json()["status"]) == (422, 422)


@pytest.mark.parametrize("query", ["limit=5&limit=6", "after=0&limit=1&after=0", "customer=C1&customer=C1"])
def test_a_parameter_that_is_given_twice_is_refused(on_file: TestClient, query: str) -> None:
    answer = on_file.get(f"/contacts?{query}")
    name = query.partition("=")[0]
    problem = {"field": name, "problem": "is given more than once"}
    assert (answer.status_code, answer.json()["fields"]) == (422, [problem])


def test_a_field_that_stands_there_twice_is_refused(on_file: TestClient) -> None:
    body = b'{"customer_id": "C1", "customer_id": "C2", "offer": "x: y", "result": "offered"}'
    answer = on_file.post("/contacts", content=body, headers={"Idempotency-Key": "k"})
    assert answer.json()["fields"] == [{"field": "customer_id", "problem": "stands in the body more than once"}]


@pytest.mark.parametrize("keys", [[], [""], ["k" * 201], ["\xe9"], ["a\tb"], ["a", "b"]])
def test_the_key_must_be_there_once_and_printable(on_file: TestClient, keys: list[str]) -> None:
    headers = [("Idempotency-Key", key.encode("latin-1")) for key in keys]
    answer = on_file.post("/contacts", json=CONTACT, headers=headers)
    assert (answer.status_code, answer.json()["fields"][0]["field"]) == (422, "Idempotency-Key")


def test_a_contact_with_the_control_group_is_refused_unless_there_is_a_reason(
    client: TestClient, link: StoreClient
) -> None:
    before = post(client, "k1")
    link.ask_now(put_into_control_group)
    assert post(client, "k1").content == before.content  # what was recorded is not taken back
    refused, free = post(client, "k2"), post(client, "k3", customer_id="C2")
    overridden = post(client, "k2", override_reason="they threatened to leave")
    assert [refused.status_code, free.status_code, overridden.status_code] == [409, 201, 201]
    assert refused.json()["fields"][0] == {
        "field": "customer_id",
        "problem": "is in the control group, so that the worth of offers can be measured",
    }
    assert overridden.json()["override_reason"] == "they threatened to leave"


def test_the_campaign_of_a_contact_is_one_that_holds_the_customer(client: TestClient, link: StoreClient) -> None:
    link.ask_now(put_into_control_group)
    said = [("C2", 1), ("C2", 99), ("C1", 99), ("C1", 1)]
    answers = [
        post(client, f"k{n}", customer_id=name, campaign_id=id, override_reason="they called")
        for n, (name, id) in enumerate(said)
    ]
    assert [answer.json()["campaign_id"] for answer in answers] == [None, None, 1, 1]
    counts = client.get("/api/campaigns/1").json()
    assert (counts["contacts"], len(counts["overrides"])) == ({"accepted": 2}, 2)


def put_into_control_group(store: Store) -> None:
    today = datetime.now(UTC).date()
    made = create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", today, "person:anna"))
    with store.writing("assign") as connection:
        add_assignments(connection, [Assignment(made.id, "C1", "control", False, today)])


def test_a_contact_with_a_customer_who_must_not_be_contacted_is_refused_unless_there_is_a_reason(
    client: TestClient, link: StoreClient
) -> None:
    link.ask_now(lambda store: set_do_not_contact(store, "C1", blocked=True, reason="they asked", by="person:anna"))
    refused = post(client)
    assert (refused.status_code, refused.json()["fields"][0]["problem"]) == (409, "must not be contacted")
    assert post(client, override_reason="they called us").status_code == 201


def test_a_dismissal_carries_a_reason(client: TestClient) -> None:
    answer = post(client, result="not_offered", dismissal="other", note="They spoke of a burglary.", channel="console")
    assert (answer.status_code, answer.json()["dismissal"], answer.json()["channel"]) == (201, "other", "console")


def test_who_recorded_it_stands_there_and_a_key_is_not_shared_between_callers(source, settings, tmp_path: Path) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    app, names = create_app(source, settings, store=link), iter(["key:crm", "key:crm", "person:anna"])

    async def signed_in(scope, receive, send) -> None:
        if scope["type"] == "http":
            scope.setdefault("state", {})["caller"] = Principal(next(names), "agent")
        await app(scope, receive, send)

    with TestClient(signed_in, base_url=LOCAL) as client:
        first, again, other = post(client), post(client), post(client)
    assert (first.json()["caller"], again.status_code, other.status_code) == ("key:crm", 200, 409)
    link.close()


def test_while_the_store_is_unavailable_nothing_is_acknowledged(source, settings, tmp_path: Path) -> None:
    def away(address: str) -> Store:
        raise StoreError("the store cannot be reached")

    link = StoreClient(f"sqlite:///{tmp_path}/churn.db", away)
    with TestClient(create_app(source, settings, store=link), base_url=LOCAL) as client:
        answer = post(client)
        assert client.get("/contacts").status_code == 503
    assert answer.status_code == 503
    assert "nothing was acknowledged" in answer.json()["error"]
    link.close()


def test_no_line_of_the_log_names_a_customer(on_file: TestClient, capsys: pytest.CaptureFixture[str]) -> None:
    post(on_file, customer_id="C-secret", offer="offer-secret", override_reason="reason-secret")
    post(on_file, customer_id="C-secret", result="secret")
    on_file.get("/contacts?customer=C-secret")
    on_file.get("/predictions?customer=C-secret")
    logged = "".join(capsys.readouterr())
    assert "/contacts" in logged
    assert "secret" not in logged


def test_the_documentation_describes_the_routes(app_document: dict) -> None:
    operation = app_document["paths"]["/contacts"]["post"]
    assert [one["name"] for one in operation["parameters"]] == ["Idempotency-Key"]
    schema = operation["requestBody"]["content"]["application/json"]["schema"]
    assert schema["required"] == ["customer_id", "offer", "result"]
    assert schema["additionalProperties"] is False
    for path in ("/contacts", "/predictions", "/predictions/{prediction_id}"):
        found = app_document["paths"][path]["get"]["responses"]
        assert {"200", "422", "503"} <= set(found)
        assert "HTTPValidationError" not in str(found)


@pytest.fixture
def app_document(on_file: TestClient) -> dict:
    document: dict = on_file.get("/openapi.json").json()
    return document


def test_an_application_without_a_store_has_no_such_routes(source, settings) -> None:
    app: FastAPI = create_app(source, settings)
    with TestClient(app, base_url=LOCAL) as client:
        assert post(client).status_code == client.get("/predictions").status_code == 404
