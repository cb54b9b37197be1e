"""The agent's story: find the customer, see their risk, record what came of the contact."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fastapi.testclient import TestClient

from churn_mlops.config import Settings
from churn_mlops.errors import SourceError
from churn_mlops.pipelines.scoring.single_customer import CustomerRow
from churn_mlops.retention.decision import WHY_NOT
from churn_mlops.serving.app import create_app
from churn_mlops.serving.console.customer_pages import SUGGESTED
from churn_mlops.serving.console.frame.texts import Texts
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.campaigns.list_work import WorkChange, finish, snooze, take
from churn_mlops.store.contacts import DISMISSALS, RESULTS, Contact, NewContact, contacts, record_contact
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.erasure import forget
from churn_mlops.store.prediction_log import records_of
from churn_mlops.store.scoring.publishing import publish
from tests.serving.access.secured_app import Guarded, any_customer
from tests.serving.console.visitor import HTML, Visitor
from tests.store.builders import NEXT, NOW, batch, run

MARKUP = '<img src=x onerror="alert(1)">&\'"'


def recorded(guarded: Guarded) -> list[Contact]:
    with open_store(guarded.address) as store:
        return contacts(store, limit=100)


def events(guarded: Guarded) -> list[tuple[str, str]]:
    with open_store(guarded.address) as store:
        return [(one.event, str(one.details.get("route"))) for one in audit_events(store, limit=100)]


def test_find_read_and_record(agent: Visitor, guarded: Guarded) -> None:
    start = agent.get("/")
    assert start.status_code == 200
    assert "C000000" in start.text  # the first of the contact list
    assert [one["id"] for one in agent.get("/find?q=C00000").json()["customers"]] == [
        f"C{number:06d}" for number in range(SUGGESTED)
    ]
    page = agent.get("/customers/C000001")
    assert "Medium risk (20\u00a0%)" in page.text
    assert "average of all customers: 50\u00a0%" in page.text
    assert "tenure 12" in page.text
    answer = agent.send("/customers/C000001", "/contact", offer="20 % off", result="accepted")
    assert (answer.status_code, answer.headers["Location"]) == (303, "/customers/C000001?recorded=accepted")
    (contact,) = recorded(guarded)
    assert (contact.customer, contact.offer, contact.result) == ("C000001", "20 % off", "accepted")
    assert contact.caller == "person:agent-person"
    after = agent.get(answer.headers["Location"]).text
    assert "Recorded: Accepted." in after
    assert "Contacted: Accepted" in after
    assert "20 % off" in after


def test_the_score_of_the_page_is_that_of_the_api_and_is_logged(agent: Visitor, guarded: Guarded) -> None:
    prediction_id = agent.form("/customers/C000001", "/contact")["prediction_id"]
    answer = agent.client.get("/customers/C000001/risk").json()
    agent.get("/sign-in")
    agent.client.__exit__(None, None, None)  # what was answered is in the store once the server has ended
    with open_store(guarded.address) as store:
        (logged,) = records_of(store, prediction_id)
    assert logged.customer == "C000001"
    assert f'"churn_probability": {answer["churn_probability"]}' in logged.answer
    agent.client.__enter__()


def test_a_campaign_says_what_to_offer_and_how(agent: Visitor, guarded: Guarded) -> None:
    today = datetime.now(UTC).date()
    with open_store(guarded.address) as store:
        made = create_campaign(store, NewCampaign("Spring", "A month for free", 50.0, MARKUP, today, "person:anna"))
        with store.writing("assign") as connection:
            add_assignments(connection, [Assignment(made.id, "C000001", "treated", False, today)])
    page = agent.get("/customers/C000001").text
    assert 'value="A month for free"' in page
    assert "Say (campaign Spring)" in page
    assert "&lt;img src=x" in page


def test_the_next_customer_is_one_who_gets_an_offer_now(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        set_do_not_contact(store, "C000002", blocked=True, reason="they asked", by="person:anna")
    assert 'Next on the list: <span class="id">C000003</span>' in agent.get("/customers/C000001").text
    assert "Do not contact" in agent.get("/list").text


@pytest.mark.parametrize(
    ("result", "dismissal", "days_ago", "words"),
    [
        ("declined", None, 200, "The customer heard an offer in the last 365 days."),
        ("not_offered", "complaint", 20, "An agent decided in the last 30 days to make no offer."),
    ],
)
def test_a_rest_after_a_contact_says_how_long_it_lasts(
    agent: Visitor, guarded: Guarded, result: str, dismissal: str | None, days_ago: int, words: str
) -> None:
    at = utc_now() - timedelta(days=days_ago)
    with open_store(guarded.address) as store:
        new = NewContact("1", "0" * 64, "C000001", at, "20 % off", result, "person:anna", dismissal=dismissal)
        record_contact(store, new)
    page = agent.get("/customers/C000001").text
    assert "Do not offer" in page
    assert words in page


def test_every_reason_against_an_offer_and_every_dismissal_has_its_words() -> None:
    known = Texts().by_key
    assert {key.partition(".")[2] for key in known if key.startswith("why_not.")} == set(WHY_NOT)
    assert {key.partition(".")[2] for key in known if key.startswith("why_not_short.")} == set(WHY_NOT)
    assert {key.partition(".")[2] for key in known if key.startswith("dismissals.")} == set(DISMISSALS)
    assert {key.partition(".")[2] for key in known if key.startswith("results.")} == set(RESULTS)


def test_enter_opens_the_customer_that_was_typed(agent: Visitor) -> None:
    assert agent.get("/?q=C000007").headers["Location"] == "/customers/C000007"
    assert agent.get("/?q=unknown").headers["Location"] == "/customers/unknown"  # the source may know them
    for written in ("c000007", "%20c000007%20", "C000007+"):
        assert agent.get(f"/?q={written}").headers["Location"] == "/customers/C000007"
    found = agent.get("/?q=c00000").text
    assert "C000003" in found
    assert "Ask the source for “c00000”" in found


def test_a_search_says_how_many_match_and_links_to_all_of_them(agent: Visitor, guarded: Guarded) -> None:
    every = "/list?part=all&q=c0000"
    page = agent.get("/?q=c0000").text
    assert f'The first 8 of 100 customers · <a href="{every.replace("&", "&amp;")}">Show all in the list</a>' in page
    found = agent.get("/find?q=c0000").json()
    assert (found["said"], found["every"]["href"]) == ("The first 8 of 100 customers", every)
    few = agent.get("/find?q=c00011").json()
    assert (few["said"], few["every"]) == (
        "The first 8 of 10 customers",
        found["every"] | {"href": "/list?part=all&q=c00011"},
    )
    one = agent.get("/find?q=c000110").json()
    assert (one["said"], one["every"]) == ("1 customer", None)
    with open_store(guarded.address) as store:
        publish(store, run(NEXT), [batch([f"C{number:06d}" for number in range(1200)], [0.9] * 1200)])
    assert agent.get("/find?q=C").json()["said"] == "The first 8 of more than 1,000 customers"


def test_the_start_counts_who_is_still_open_on_the_contact_list(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        publish(store, run(NEXT), [batch(["C1", "C2", "C3"], [0.9, 0.8, 0.7])])
        given = NewContact("k", "s", "C2", utc_now(), "20 % off", "declined", "person:otto")
        record_contact(store, given)
    page = agent.get("/").text
    assert "<dd>2 of 3</dd>" in page
    assert "worth an offer" not in page


def test_an_id_of_any_signs_has_a_page(agent: Visitor, guarded: Guarded) -> None:
    names = ["C/17", "a/risk", "..", "50% off", "x?y#z", "ü", "a b", MARKUP]
    with open_store(guarded.address) as store:
        publish(store, run(NEXT), [batch(names, [0.9] * len(names))])
    text = agent.get("/").text
    for href in re.findall(r'<a class="row" href="([^"]+)"', text):
        page = agent.get(href.replace("&amp;", "&"))
        assert page.status_code == 200
    assert len(re.findall(r'<a class="row" href=', text)) == len(names)


def test_markup_in_what_people_wrote_is_text(agent: Visitor, guarded: Guarded) -> None:
    reasons: Any = [{"text": MARKUP, "points": 3}]
    listed = batch([MARKUP], [0.9])
    with open_store(guarded.address) as store:
        publish(store, run(NEXT), [listed.__class__(**(vars(listed) | {"reasons": [reasons]}))])
    pages = [agent.get("/")]  # whoever was contacted is not on it any more
    with open_store(guarded.address) as store:
        new = NewContact("k", "s", MARKUP, NOW, MARKUP, "declined", "key:x", None, MARKUP)
        record_contact(store, new)
    customer = agent.form("/list", "/theme") and f"/customers/{MARKUP}"
    pages += [
        agent.get(path) for path in ("/list", "/customers?id=%3Cimg%20src%3Dx%20onerror%3D%22alert(1)%22%3E%26'%22")
    ]
    for page in [*pages, agent.get(f"/?q={MARKUP[:4]}"), agent.get(customer)]:
        assert "<img" not in page.text
        assert "&lt;img src=x onerror=" in page.text or page.status_code == 303


def test_the_start_page_and_the_next_customer_leave_out_who_is_not_to_be_called(
    agent: Visitor, guarded: Guarded
) -> None:
    with open_store(guarded.address) as store:
        publish(store, run(NEXT), [batch(["A", "B", "C", "D", "E", "F", "G"], [0.9] * 7)])
        set_do_not_contact(store, "A", blocked=True, reason="they asked for it", by="test")
        record_contact(store, NewContact("k", "s", "C", utc_now(), "x", "no_answer", "key:x"))
        take(store, WorkChange("D", "person:other"))
        snooze(store, WorkChange("F", "person:other"), utc_now().date() + timedelta(days=2))
        finish(store, WorkChange("G", "person:other"), NEXT)
    assert re.findall(r'class="row" href="/customers/(\w)"', agent.get("/").text) == ["B", "E"]
    assert 'href="/customers/E" data-key="x"' in agent.get("/customers/B").text


def test_the_start_page_has_the_next_open_customers_behind_a_hundred_who_are_done(
    agent: Visitor, guarded: Guarded
) -> None:
    names = [f"D{number:03d}" for number in range(120)]
    with open_store(guarded.address) as store:
        publish(store, run(NEXT), [batch([*names, "OPEN"], [0.9] * 121)])
        for name in names:
            finish(store, WorkChange(name, "person:other"), NEXT)
    assert re.findall(r'class="row" href="/customers/(\w+)"', agent.get("/").text) == ["OPEN"]


def test_a_sign_in_leads_on_to_an_id_of_any_script(visitor: Visitor) -> None:
    there = visitor.get("/customers/%E6%BC%A2%20x").headers["Location"]
    signed_in = visitor.sign_in("agent", there)
    assert (signed_in.status_code, signed_in.headers["Location"]) == (303, "/customers/%E6%BC%A2%20x")


def test_no_byte_in_a_place_of_the_list_reaches_the_store(agent: Visitor) -> None:
    assert agent.get("/list?order=customer&after=%00").status_code == 422


def test_every_page_allows_no_script_but_ours_and_no_frame(agent: Visitor) -> None:
    for path in ("/", "/list", "/models", "/account", "/customers/C000001", "/sign-in", "/nowhere", "/customers/"):
        headers = agent.get(path).headers
        policy = headers["Content-Security-Policy"]
        assert "unsafe" not in policy
        assert {"default-src 'none'", "script-src 'self'", "style-src 'self'", "frame-ancestors 'none'"} <= set(
            policy.split("; ")
        )
        assert (headers["X-Frame-Options"], headers["Cache-Control"]) == ("DENY", "no-store")
        text = agent.get(path).text
        assert not re.search(r"<script(?![^>]* src=)|<style|\sstyle=|\son[a-z]+=|javascript:|https?://", text)


def test_what_is_shown_of_customers_is_in_the_audit_log(agent: Visitor, guarded: Guarded) -> None:
    before = len(events(guarded))
    for path in ("/", "/find?q=C", "/customers/C000001", "/customers?id=C000001", "/list"):
        assert agent.get(path).status_code == 200
    agent.send("/customers/C000001", "/contact", result="no_answer", offer="call")
    new = events(guarded)[: len(events(guarded)) - before][::-1]
    assert [event for event, _ in new] == [
        "customers.searched",
        "customers.searched",
        "customer.read",
        "customer.read",
        "predictions.read",
        "customer.read",
        "contact.recorded",
    ]


def test_an_erased_customer_has_no_page_and_no_further_contact(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/customers/C000001", "/contact") | {"offer": "x", "result": "declined"}
    with open_store(guarded.address) as store:
        forget(store, Settings().store.customer_hash_key, "C000001", by="test")
    page = agent.get("/customers/C000001")
    assert (page.status_code, "No such customer" in page.text) == (404, True)
    assert agent.post("/contact", form).status_code == 410
    assert [one["id"] for one in agent.get("/find?q=C00000").json()["customers"]][:2] == ["C000000", "C000002"]


@pytest.fixture
def outage(guarded: Guarded, source: ModelSlot) -> Iterator[Visitor]:
    """A server without access control, whose source fails."""

    def failing(customer: str, bundle: Any) -> Any:
        raise SourceError("down")

    link = StoreClient(guarded.address)
    with TestClient(
        create_app(source, Settings(), store=link, read_of_source=failing), base_url="http://localhost"
    ) as client:
        yield Visitor(client)
    link.close()


def test_without_the_source_the_page_shows_the_published_score_and_says_so(outage: Visitor) -> None:
    text = outage.get("/customers/C000001").text
    assert "High risk (99.2\u00a0%)" in text
    assert "Published score of the daily run" in text
    assert "the source cannot be read" in text
    assert "2 months of tenure" in text
    assert "The data is old." in text
    assert outage.get("/customers/unknown").status_code == 503


def test_without_the_store_a_customer_of_the_source_still_has_a_page(source: ModelSlot, tmp_path: Any) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/gone/churn.db", opener=_no_store)
    client = TestClient(
        create_app(source, Settings(), store=link, read_of_source=any_customer), base_url="http://localhost"
    )
    page = client.get("/customers/C000001", headers=HTML)
    assert (page.status_code, "The store cannot be reached" in page.text) == (200, True)
    listed = client.get("/list", headers=HTML)
    assert (listed.status_code, "Not available at present" in listed.text) == (503, True)
    link.close()


def _no_store(address: str) -> Any:
    from churn_mlops.errors import StoreError

    raise StoreError("down")


def test_without_a_list_the_search_says_how_to_publish_one(source: ModelSlot, tmp_path: Any) -> None:
    link = StoreClient(f"sqlite:///{tmp_path}/churn.db")
    with TestClient(
        create_app(source, Settings(), store=link, read_of_source=any_customer), base_url="http://localhost"
    ) as client:
        visitor = Visitor(client)
        assert "No list is published yet" in visitor.get("/").text
        assert "No list is published yet" in visitor.get("/list").text
        assert visitor.get("/find?q=C").json()["customers"] == []
        assert visitor.get("/customers/C1").status_code == 200
        assert visitor.get("/list.csv").status_code == 404
    link.close()


def test_the_next_customer_is_the_next_of_the_contact_list(agent: Visitor) -> None:
    assert 'Next on the list: <span class="id">C000002</span>' in agent.get("/customers/C000001").text
    assert "Next on the list" not in agent.get("/customers/C000110").text  # is not on it


@pytest.mark.parametrize(("days", "words"), [(0, "today"), (1, "in 1 day"), (13, "in 13 days"), (-1, None)])
def test_a_renewal_is_shown_while_it_is_to_come(guarded: Guarded, source: ModelSlot, days: int, words: str) -> None:
    today = datetime.now(UTC).date()

    def renewing(customer: str, bundle: Any) -> Any:
        return CustomerRow({"tenure": 4.0}, today - timedelta(days=2), today + timedelta(days=days))

    link = StoreClient(guarded.address)
    app = create_app(source, Settings(), store=link, read_of_source=renewing)
    text = Visitor(TestClient(app, base_url="http://localhost")).get("/customers/C000001").text
    shown = ("Next renewal, or end of a term or a price: " in text, f"<strong>{words}</strong>" in text)
    assert shown == (days >= 0, days >= 0)
    link.close()


def test_the_change_since_the_last_list_is_shown(agent: Visitor, guarded: Guarded) -> None:
    assert "The risk fell by 79 points, from 99.2\u00a0%." in agent.get("/customers/C000001").text


def test_another_value_that_the_company_controls_shows_the_score_of_the_model(
    guarded: Guarded, source: ModelSlot
) -> None:
    settings = Settings.model_validate({"console": {"controlled": ["tenure"]}})
    link = StoreClient(guarded.address)
    app = create_app(source, settings, store=link, read_of_source=any_customer)
    visitor = Visitor(TestClient(app, base_url="http://localhost"))
    assert "What if" in visitor.get("/customers/C000001").text
    text = visitor.get("/customers?id=C000001&if.tenure=1").text
    assert "50\u00a0% instead of 20\u00a0%" in text
    assert "+30 points" in text
    assert "not a promise" in text
    assert visitor.get("/customers?id=C000001&if.tenure=-1").status_code == 422
    link.close()
