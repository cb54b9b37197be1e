"""One customer by customer ID: scored now if the source answers, else as published, and the answer says which."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.errors import SourceError
from churn_mlops.serving.api.customers import NO_ONE, NO_SOURCE, ReadCustomer
from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.circuit_breaker import FAILURES, CircuitBreaker
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign, end_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.prediction_log import records_of
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import retain
from tests.store.builders import DAY, NEXT, REASONS, batches, run

LOCAL = "http://localhost"
CUSTOMER = {"tenure": 4.0, "monthly_charges": 65.5, "total_charges": None, "contract_type": "one_year", "senior": False}
SETTINGS = Settings.model_validate({"serving": {"source_seconds": 0.2}})


@pytest.fixture
def address(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        publish(store, run(), batches(10))
    return address


@pytest.fixture
def link(address: str) -> Iterator[StoreClient]:
    link = StoreClient(address)
    yield link
    link.close()


def client_of(source: Any, link: StoreClient, read: ReadCustomer | None) -> TestClient:
    return TestClient(create_app(source, SETTINGS, store=link, read_of_source=read), base_url=LOCAL)


def known(customer: str, bundle: Any) -> Any:
    return SimpleNamespace(values=CUSTOMER, as_of=date(2026, 11, 23)) if customer == "C000001" else None


def everyone(customer: str, bundle: Any) -> Any:
    return SimpleNamespace(values=CUSTOMER, as_of=date(2026, 11, 23))


def failing(customer: str, bundle: Any) -> Any:
    raise SourceError("postgresql://crm.internal cannot be reached")


def broken(customer: str, bundle: Any) -> Any:
    raise KeyError("crm.internal")  # as of a library that met what it does not know


FAILING = pytest.mark.parametrize("read", [failing, broken])


def test_a_customer_of_the_source_is_scored_now_and_the_answer_is_kept(
    source: Any, link: StoreClient, address: str
) -> None:
    with client_of(source, link, known) as client:
        answer = client.get("/customers/C000001/risk")
    body = answer.json()
    assert answer.status_code == 200
    assert (body["customer_id"], body["churn_probability"], body["origin"]) == ("C000001", 0.2, "source")
    assert (body["risk_band"], body["as_of"], body["why_published"]) == ("medium", "2026-11-23", None)
    assert body["reasons"][0]["text"] == "tenure 12: -42 points"
    with open_store(address) as store:
        (kept,) = records_of(store, answer.headers["X-Prediction-Id"])
    assert (kept.customer, kept.answer.encode(), kept.as_of) == ("C000001", answer.content, date(2026, 11, 23))


@pytest.mark.parametrize("fails", [False, True])
def test_the_source_is_opened_at_the_start_and_a_failure_then_keeps_no_one_out(
    source: Any, link: StoreClient, fails: bool
) -> None:
    opened = threading.Event()

    def read(customer: str, bundle: Any) -> Any:
        if customer == NO_ONE:
            opened.set()
            if fails:
                raise SourceError("postgresql://crm.internal cannot be reached")
        return known(customer, bundle)

    with client_of(source, link, read) as client:
        assert opened.wait(10)
        assert client.get("/customers/C000001/risk").json()["origin"] == "source"


@pytest.mark.parametrize("name", ["C/17", "a/b/risk", "50% off", "x?y#z"])
def test_a_customer_id_of_any_signs_can_be_asked_for(source: Any, link: StoreClient, name: str) -> None:
    with client_of(source, link, everyone) as client:
        answer = client.get(f"/customers/{quote(name, safe='')}/risk")
    assert (answer.status_code, answer.json()["customer_id"]) == (200, name)


# Nearly every score is worth an offer, or none is; a score at the source is 0.2, and C000001 has an offer in the list.
GENEROUS = {"customer_value": 10_000.0}
POINTLESS = {"offer_cost": 10_000.0}


@pytest.mark.parametrize(
    ("decision", "worth", "customer", "on_contact_list", "action"),
    [
        (GENEROUS, True, "C000001", True, "offer"),
        (GENEROUS, True, "C000009", False, "leave_alone"),
        (GENEROUS, True, "new", False, "leave_alone"),
        (POINTLESS, False, "C000001", True, "offer"),
        (POINTLESS, False, "C000009", False, "leave_alone"),
    ],
)
def test_worth_an_offer_is_distinguished_from_on_the_contact_list(
    source: Any,
    link: StoreClient,
    decision: dict[str, float],
    worth: bool,
    customer: str,
    on_contact_list: bool,
    action: str,
) -> None:
    settings = Settings.model_validate({"serving": {"source_seconds": 5}, "decision": decision})
    app = create_app(source, settings, store=link, read_of_source=everyone)
    with TestClient(app, base_url=LOCAL) as client:
        found = client.get(f"/customers/{customer}/risk").json()
    assert found["churn_probability"] == 0.2
    assert (found["worth_an_offer"], found["on_contact_list"], found["action"]) == (worth, on_contact_list, action)


@pytest.mark.parametrize(
    ("decision", "worth", "action"), [(GENEROUS, True, "offer"), (POINTLESS, False, "leave_alone")]
)
def test_without_a_published_list_the_action_is_by_the_score_alone(
    source: Any, tmp_path: Path, decision: dict[str, float], worth: bool, action: str
) -> None:
    (tmp_path / "in the way").write_text("")
    settings = Settings.model_validate({"serving": {"source_seconds": 5}, "decision": decision})
    # Nothing is published; and a store that cannot be reached, so that the customer may be in a control group.
    for place, known in (("empty.db", True), ("in the way/churn.db", False)):
        link = StoreClient(f"sqlite:///{tmp_path}/{place}")
        app = create_app(source, settings, store=link, read_of_source=everyone)
        with TestClient(app, base_url=LOCAL) as client:
            found = client.get("/customers/C000001/risk").json()
        link.close()
        assert (found["worth_an_offer"], found["on_contact_list"]) == (worth, None)
        assert found["action"] == (action if known else "leave_alone")
        assert known or found["why_not"] == "unknown"


def test_a_list_whose_predictions_were_deleted_by_age_is_none(source: Any, link: StoreClient, address: str) -> None:
    with open_store(address) as store:
        retain(store, NEXT)
    with client_of(source, link, everyone) as client:
        assert client.get("/customers/C000001/risk").json()["on_contact_list"] is None


def test_a_published_score_states_the_contact_list_of_the_newest_date(
    source: Any, link: StoreClient, address: str
) -> None:
    with client_of(source, link, None) as client:
        first = client.get("/customers/C000001/risk").json()
        with open_store(address) as store:  # the next day's list has other customers
            publish(store, run(NEXT), batches(10, mark="D"))
        later = client.get("/customers/C000001/risk").json()
        low = client.get("/customers/D000009/risk").json()
    fields = ("as_of", "worth_an_offer", "on_contact_list", "action")
    assert [first[name] for name in fields] == [DAY.isoformat(), True, True, "offer"]
    assert [later[name] for name in fields] == [DAY.isoformat(), True, False, "leave_alone"]
    assert [low[name] for name in fields] == [NEXT.isoformat(), False, False, "leave_alone"]


def test_an_inactive_customer_of_the_source_is_answered_404_even_if_published(source: Any, link: StoreClient) -> None:
    with client_of(source, link, known) as client:
        answer = client.get("/customers/C000002/risk")
    assert answer.status_code == 404
    assert answer.json()["error"] == "there is no active customer with this ID"


@FAILING
def test_while_the_source_fails_the_published_score_is_answered_without_the_address_of_the_source(
    source: Any, link: StoreClient, capsys: pytest.CaptureFixture[str], read: ReadCustomer
) -> None:
    with client_of(source, link, read) as client:
        answer = client.get("/customers/C000001/risk")
        unknown = client.get("/customers/nobody/risk")
    body = answer.json()
    assert (body["origin"], body["churn_probability"], body["confidence"]) == ("published", 0.9, 0.9)
    assert (body["as_of"], body["reasons"], body["model_version"]) == (DAY.isoformat(), REASONS, "3")
    assert body["why_published"] == "the source cannot be read; `churn doctor` beside the server says why"
    logged = capsys.readouterr()
    assert "source_failed" in logged.out + logged.err
    assert "crm.internal" not in answer.text + logged.out + logged.err
    assert (answer.headers["X-As-Of"], answer.headers["X-Model-Version"]) == (DAY.isoformat(), "3")
    # Whether there is such a customer is not known now.
    assert (unknown.status_code, unknown.headers["Retry-After"]) == (503, "5")
    assert "and no score of this customer is published" in unknown.json()["error"]


def test_where_there_is_no_source_who_is_not_published_is_no_customer(source: Any, link: StoreClient) -> None:
    with client_of(source, link, None) as client:
        assert client.get("/customers/nobody/risk").status_code == 404


def test_a_source_that_is_too_slow_is_not_waited_for(source: Any, link: StoreClient) -> None:
    over = threading.Event()

    def slow(customer: str, bundle: Any) -> Any:
        over.wait(30)
        return known(customer, bundle)

    with client_of(source, link, slow) as client:
        body = client.get("/customers/C000001/risk").json()
        over.set()
    assert body["why_published"] == "the source did not answer within 0.2 seconds"


@FAILING
def test_a_source_that_fails_in_a_row_is_left_alone(source: Any, link: StoreClient, read: ReadCustomer) -> None:
    asked: list[str] = []

    def counted(customer: str, bundle: Any) -> Any:
        asked.append(customer)
        return read(customer, bundle)

    with client_of(source, link, counted) as client:
        body = [client.get("/customers/C000001/risk").json()["why_published"] for _ in range(5)]
    assert [one for one in asked if one != NO_ONE] == ["C000001"] * 3
    assert body[-1] == "the source failed several times, and is not asked for some seconds"


def test_a_server_without_a_source_answers_published_scores(source: Any, link: StoreClient) -> None:
    with client_of(source, link, None) as client:
        assert client.get("/customers/C000009/risk").json()["why_published"] == NO_SOURCE


def test_with_source_and_store_away_the_answer_is_503(source: Any, tmp_path: Path) -> None:
    (tmp_path / "in the way").write_text("")
    link = StoreClient(f"sqlite:///{tmp_path}/in the way/churn.db")
    with client_of(source, link, failing) as client:
        answer = client.get("/customers/C000001/risk")
    link.close()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "5")


def test_a_breaker_lets_one_try_through_after_its_pause() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=2, pause=10.0, clock=lambda: now[0])
    breaker.failed()
    assert breaker.may_try()
    breaker.failed()
    assert not breaker.may_try()
    now[0] = 10.0
    assert [breaker.may_try() for _ in range(3)] == [True, False, False]
    breaker.failed()
    assert not breaker.may_try()
    now[0] = 20.0
    assert breaker.may_try()
    breaker.succeeded()
    breaker.failed()
    assert [breaker.may_try() for _ in range(3)] == [True] * 3


def test_a_try_that_never_ended_is_followed_by_another() -> None:
    now = [0.0]
    breaker = CircuitBreaker(failures=1, pause=10.0, clock=lambda: now[0])
    breaker.failed()
    now[0] = 10.0
    assert breaker.may_try()
    now[0] = 20.0
    assert breaker.may_try()


def test_a_source_that_is_back_is_asked_again_within_seconds() -> None:
    now = [0.0]
    breaker = CircuitBreaker(clock=lambda: now[0])
    for _ in range(FAILURES):
        breaker.failed()
    assert not breaker.may_try()
    now[0] = 3.0
    assert breaker.may_try()


def campaign_with(address: str, customer: str, arm: str, **changed: Any) -> int:
    today = datetime.now(UTC).date()
    with open_store(address) as store:
        new = NewCampaign("Spring", "20 % off", 50.0, "We would like to thank you.", today, "cli:anna", **changed)
        id = create_campaign(store, new).id
        with store.writing("assign") as connection:
            add_assignments(connection, [Assignment(id, customer, arm, False, today)])
    return id


def offer_of(client: TestClient, customer: str) -> tuple[Any, ...]:
    found = client.get(f"/customers/{customer}/risk").json()
    return found["action"], found["why_not"], found["campaign"] and found["campaign"]["script"]


@pytest.mark.parametrize("read", [everyone, failing])
def test_a_control_customer_gets_no_offer_in_any_answer(
    source: Any, link: StoreClient, address: str, read: ReadCustomer
) -> None:
    campaign_with(address, "C000001", "control")
    with client_of(source, link, read) as client:
        risk = client.get("/customers/C000001/risk").json()
        listed = client.get("/predictions?customer=C000001").json()["predictions"][0]
    for found in (risk, listed):
        assert (found["action"], found["why_not"]) == ("leave_alone", "control_group")
    assert risk["why_not_words"].startswith("they are in the control group")
    assert risk["campaign"] is None


@pytest.mark.parametrize("read", [everyone, failing])
def test_a_treated_customer_gets_the_offer_of_their_campaign_until_it_ends(
    source: Any, link: StoreClient, address: str, read: ReadCustomer
) -> None:
    id = campaign_with(address, "C000001", "treated")
    with client_of(source, link, read) as client:
        assert offer_of(client, "C000001") == ("offer", None, "We would like to thank you.")
        with open_store(address) as store:
            end_campaign(store, id, by="cli:anna", reason="the budget is spent")
        assert offer_of(client, "C000001") == ("leave_alone", "followed", None)


@pytest.mark.parametrize("read", [everyone, failing])
def test_a_wish_an_offer_and_a_dismissal_count_from_the_second_they_are_recorded(
    source: Any, link: StoreClient, address: str, read: ReadCustomer
) -> None:
    with client_of(source, link, read) as client:
        assert (
            offer_of(client, "C000000")[0]
            == offer_of(client, "C000001")[0]
            == offer_of(client, "C000002")[0]
            == "offer"
        )
        for customer, more in (
            ("C000000", {"result": "declined"}),
            ("C000001", {"result": "not_offered", "dismissal": "complaint"}),
        ):
            body = {"customer_id": customer, "offer": "20 % off", **more}
            assert client.post("/contacts", json=body, headers={"Idempotency-Key": customer}).status_code == 201
        with open_store(address) as store:
            set_do_not_contact(store, "C000002", blocked=True, reason="they asked", by="cli:anna")
        found = {row["customer_id"]: row["why_not"] for row in client.get("/predictions").json()["predictions"]}
        expected = {"C000000": "offered_recently", "C000001": "dismissed_recently", "C000002": "do_not_contact"}
        assert {customer: found[customer] for customer in expected} == expected
        for customer, why_not in expected.items():
            assert offer_of(client, customer)[:2] == ("leave_alone", why_not)


def test_a_failed_payment_at_the_source_is_a_dunning_case(source: Any, link: StoreClient) -> None:
    settings = Settings.model_validate({"serving": {"source_seconds": 5}, "decision": {"payment_failed": "tenure"}})
    with TestClient(create_app(source, settings, store=link, read_of_source=everyone), base_url=LOCAL) as client:
        assert offer_of(client, "C000001")[:2] == ("leave_alone", "payment_failed")


def test_while_a_campaign_runs_without_a_list_no_offer_is_made(source: Any, tmp_path: Path) -> None:
    address = f"sqlite:///{tmp_path}/empty.db"
    campaign_with(address, "C000009", "treated")
    link = StoreClient(address)
    settings = Settings.model_validate({"serving": {"source_seconds": 5}, "decision": GENEROUS})
    with TestClient(create_app(source, settings, store=link, read_of_source=everyone), base_url=LOCAL) as client:
        assert offer_of(client, "C000001")[:2] == ("leave_alone", "in_no_campaign")
    link.close()
