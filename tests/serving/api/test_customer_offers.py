"""The answer about one customer says whether they get an offer, and why not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.serving.api.customers import ReadCustomer
from churn_mlops.serving.app import create_app
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign, end_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import retain
from tests.serving.api.risk_server import (
    LOCAL,
    client_of,
    everyone,
    failing,
)
from tests.store.builders import DAY, NEXT, batches, run

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
