"""What came of a contact is recorded once, with a reason where one is needed, and after a look at what others did."""

from __future__ import annotations

import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from html import unescape
from typing import Any

import pytest

from churn_mlops.config import Settings
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import Contact, NewContact, contacts, record_contact
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.erasure import forget
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor

MARKUP = '<img src=x onerror="alert(1)">&\'"'


def recorded(guarded: Guarded) -> list[Contact]:
    with open_store(guarded.address) as store:
        return contacts(store, limit=100)


def test_a_double_click_records_one_contact_and_another_result_is_refused(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/customers/C000001", "/contact") | {"offer": "20 % off"}
    answers = [agent.post("/contact", form | {"result": "declined"}) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [303, 303]
    other = agent.post("/contact", form | {"result": "accepted"})
    assert (other.status_code, "Nothing was recorded." in other.text) == (409, True)
    assert [contact.result for contact in recorded(guarded)] == ["declined"]


def test_a_wrong_contact_is_named_and_not_recorded(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/customers/C000001", "/contact") | {"offer": "20 % off", "result": "declined"}
    for name, value in [
        ("offer", ""),
        ("offer", "x" * 201),
        ("offer", "a\x07b"),
        ("result", "bought"),
        ("customer_id", ""),
        ("key", ""),
        ("key", "a b"),
    ]:
        answer = agent.post("/contact", form | {name: value})
        assert (answer.status_code, name in answer.text.lower()) == (422, True), (name, value)
    assert recorded(guarded) == []


def hidden(text: str) -> dict[str, str]:
    """The hidden fields of the form of a contact in ``text``."""
    form = text.partition('action="/contact"')[2].partition("</form>")[0]
    found = re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', form)
    return {name: unescape(value) for name, value in found}


def put_into_control_group(store: Store) -> None:
    today = datetime.now(UTC).date()
    made = create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, MARKUP, today, "person:anna"))
    with store.writing("assign") as connection:
        add_assignments(connection, [Assignment(made.id, "C000001", "control", False, today)])


def block(store: Store) -> None:
    set_do_not_contact(store, "C000001", blocked=True, reason="they asked", by="person:anna")


@pytest.mark.parametrize(
    ("against", "words"), [(put_into_control_group, "is in the control group"), (block, "must not be contacted")]
)
def test_a_customer_whose_arm_or_wish_speaks_against_it_is_contacted_with_a_reason_only(
    agent: Visitor, guarded: Guarded, against: Callable[[Store], None], words: str
) -> None:
    with open_store(guarded.address) as store:
        against(store)
    page = agent.get("/customers/C000001").text
    assert ("Do not offer" in page, words in page) == (True, True)
    refused = agent.send("/customers/C000001", "/contact", offer="20 % off", result="accepted")
    assert (refused.status_code, words in refused.text) == (409, True)
    assert recorded(guarded) == []
    assert agent.post("/contact", hidden(refused.text) | {"override_reason": "they asked"}).status_code == 303
    assert [(one.override_reason, one.channel) for one in recorded(guarded)] == [("they asked", "console")]
    assert "In spite of the advice: they asked" in agent.get("/customers/C000001").text


def test_the_contact_of_a_control_customer_is_stored_with_the_campaign_and_its_offer(
    agent: Visitor, guarded: Guarded
) -> None:
    today = datetime.now(UTC).date()
    with open_store(guarded.address) as store:
        made = create_campaign(store, NewCampaign("Spring", "A month for free", 50.0, "Thanks.", today, "person:anna"))
        with store.writing("assign") as connection:
            add_assignments(connection, [Assignment(made.id, "C000001", "control", False, today)])
    page = agent.get("/customers/C000001").text
    offer = unescape(re.findall(r'name="offer" value="([^"]*)"', page)[0])
    refused = agent.send("/customers/C000001", "/contact", offer=offer, result="accepted", note="They asked.")
    assert agent.post("/contact", hidden(refused.text) | {"override_reason": "they asked"}).status_code == 303
    (contact,) = recorded(guarded)
    assert (contact.campaign_id, contact.offer, contact.note) == (made.id, "A month for free", "They asked.")


def by_another(guarded: Guarded, key: str = "k", **changed: Any) -> None:
    new = NewContact(key, "s", "C000001", utc_now(), MARKUP, "declined", "person:otto", note=MARKUP)
    with open_store(guarded.address) as store:
        record_contact(store, replace(new, **changed))


def test_a_contact_that_another_agent_recorded_since_the_page_was_shown_is_shown_before_the_next_is(
    agent: Visitor, guarded: Guarded
) -> None:
    form = agent.form("/customers/C000001", "/contact") | {"offer": "20 % off", "result": "accepted", "note": "x"}
    by_another(guarded)
    asked = agent.post("/contact", form)
    assert (asked.status_code, len(recorded(guarded))) == (409, 1)
    assert re.search(r"otto recorded this on \w+\s\d+,\s\d{4}, .*, after your page was shown:", unescape(asked.text))
    assert ("Declined" in asked.text, "&lt;img src=x" in asked.text, "<img" in asked.text) == (True, True, False)
    assert "Record mine too: Accepted" in asked.text
    by_another(guarded, "k2", caller="key:crm", result="no_answer")
    again = agent.post("/contact", hidden(asked.text))  # and one more came while the agent was reading
    assert (again.status_code, "crm (a program) recorded this" in again.text) == (409, True)
    assert agent.post("/contact", hidden(again.text)).status_code == 303
    mine = recorded(guarded)[-1]
    assert (mine.result, mine.offer, mine.note, mine.caller) == ("accepted", "20 % off", "x", "person:agent-person")


def reads(guarded: Guarded, customer: str) -> int:
    with open_store(guarded.address) as store:
        about = customer_hash(Settings().store.customer_hash_key, customer)
        return len(audit_events(store, about=about, caller="person:agent-person", event="customer.read"))


def test_a_refusal_that_shows_a_customer_is_recorded_as_a_read_of_them(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/customers/C000002", "/contact") | {"customer_id": "C000001", "offer": "x", "result": "declined"}
    assert agent.post("/contact", form | {"offer": "x" * 300}).status_code == 422
    assert reads(guarded, "C000001") == 1
    by_another(guarded)
    assert agent.post("/contact", form | {"seen": "0"}).status_code == 409
    assert reads(guarded, "C000001") == 2
    with open_store(guarded.address) as store:
        block(store)
    assert agent.post("/contact", form | {"seen": ""}).status_code == 409
    assert reads(guarded, "C000001") == 3
    assert agent.post("/contact", form | {"seen": "", "result": "bought"}).status_code == 422  # shows no one
    assert reads(guarded, "C000001") == 3


def test_an_earlier_contact_that_the_page_showed_asks_nothing(agent: Visitor, guarded: Guarded) -> None:
    by_another(guarded)
    assert agent.send("/customers/C000001", "/contact", offer="20 % off", result="accepted").status_code == 303
    form = agent.form("/customers/C000001", "/contact") | {"offer": "x", "result": "accepted"}
    for wrong in ("-1", "a", "1" * 19):
        assert agent.post("/contact", form | {"seen": wrong}).status_code == 422


def test_of_two_agents_who_record_together_one_is_asked(guarded: Guarded, source: ModelSlot) -> None:
    with guarded.client(source) as one, guarded.client(source) as two:
        agents = [Visitor(one), Visitor(two)]
        for visitor, role in zip(agents, ("agent", "admin"), strict=True):
            visitor.client.cookies.set("churn_session", guarded.sessions[role][0], domain="localhost.local")
        forms = [visitor.form("/customers/C000001", "/contact") for visitor in agents]
        together = threading.Barrier(2)

        def record(place: int) -> int:
            together.wait(30)
            return agents[place].post("/contact", forms[place] | {"offer": "x", "result": "declined"}).status_code

        with ThreadPoolExecutor(2) as threads:
            assert sorted(threads.map(record, range(2))) == [303, 409]
    assert len(recorded(guarded)) == 1


def test_a_dismissal_without_its_note_comes_back_as_it_was_filled_in_with_the_error_beside_the_field(
    agent: Visitor, guarded: Guarded
) -> None:
    page = "/customers/C000001"
    answer = agent.send(page, "/contact", result="not_offered", offer="x", dismissal="other")
    assert (answer.status_code, "Nothing was recorded yet." in answer.text) == (422, True)
    form = answer.text.partition('action="/contact"')[2].partition("</form>")[0]
    assert re.search(r'<details open><summary data-key="o">', form)
    assert '<option value="other" selected>' in form
    assert re.search(r'name="note" value=""[^>]* aria-invalid="true" aria-describedby="note-wrong"', form)
    assert '<p class="wrong" id="note-wrong">Say in a few words what the reason was.</p>' in form
    sent = hidden(answer.text) | {
        "result": "not_offered",
        "offer": "x",
        "dismissal": "other",
        "note": "They spoke of a burglary.",
    }
    assert [agent.post("/contact", sent).status_code for _ in range(2)] == [303, 303]
    assert [one.note for one in recorded(guarded)] == ["They spoke of a burglary."]


def test_one_note_goes_with_a_contact_and_with_a_dismissal(agent: Visitor, guarded: Guarded) -> None:
    form = re.findall(r'<form[^>]* action="/contact".*?</form>', agent.get("/customers/C000001").text, re.DOTALL)
    names = [re.findall(r' name="(note|dismissal|offer)"', one) for one in form]
    assert [sorted(found) for found in names] == [["dismissal", "note", "offer"]]
    assert form[0].count('value="not_offered"') == 1
    fields = {"offer": "x", "note": "Said so.", "dismissal": "bad_time"}
    assert agent.send("/customers/C000001", "/contact", result="not_offered", **fields).status_code == 303
    assert [(one.result, one.note) for one in recorded(guarded)] == [("not_offered", "Said so.")]


def test_a_contact_with_a_reason_for_no_offer_is_asked_about_and_not_recorded(agent: Visitor, guarded: Guarded) -> None:
    fields = {"offer": "x", "note": "Said so.", "dismissal": "bad_time"}
    answer = agent.send("/customers/C000001", "/contact", result="accepted", **fields)
    assert (answer.status_code, "A reason for no offer is chosen." in answer.text) == (422, True)
    assert 'value="Said so."' in answer.text
    assert recorded(guarded) == []


def test_an_offer_that_is_too_long_comes_back_with_the_note(agent: Visitor) -> None:
    long, note = "x" * 201, 'so "they" said'
    answer = agent.send("/customers/C000001", "/contact", offer=long, result="accepted", note=note)
    assert (answer.status_code, long in answer.text) == (422, True)
    assert "This field must be at most 200 characters." in answer.text
    assert "so &#34;they&#34; said" in answer.text


def test_a_note_form_that_is_sent_twice_adds_one_note(agent: Visitor) -> None:
    form = agent.form("/customers/C000001", "/note")
    assert [agent.post("/note", form | {"text": "They called."}).status_code for _ in range(2)] == [303, 303]
    assert agent.get("/customers/C000001").text.count("They called.") == 1
    assert agent.post("/note", form | {"text": "Another."}).status_code == 409
    assert agent.post("/note", form | {"text": "Another.", "key": ""}).status_code == 422


def test_a_dismissal_carries_a_reason(agent: Visitor, guarded: Guarded) -> None:
    for fields in ({}, {"dismissal": "other"}, {"dismissal": "none"}):
        answer = agent.send("/customers/C000001", "/contact", result="not_offered", offer="x", **fields)
        assert answer.status_code == 422
    assert recorded(guarded) == []
    fields = {"dismissal": "other", "note": "They spoke of a burglary."}
    assert agent.send("/customers/C000001", "/contact", result="not_offered", offer="x", **fields).status_code == 303
    text = agent.get("/customers/C000001?recorded=not_offered").text
    assert "Recorded: Not offered." in text
    assert "another reason, in the note" in text
    assert "They spoke of a burglary." in text


def test_a_note_stands_in_the_timeline_with_its_author(agent: Visitor, guarded: Guarded) -> None:
    answer = agent.send("/customers/C000001", "/note", text=MARKUP)
    place = answer.headers["Location"]
    assert (answer.status_code, place.startswith("/customers/C000001?"), place.endswith("#history")) == (
        303,
        True,
        True,
    )
    assert "The note is added." in agent.get(place.removesuffix("#history")).text
    text = agent.get("/customers/C000001").text
    assert "&lt;img src=x" in text
    assert "by agent-person" in text
    for wrong in ("", " ", "a\x07", "x" * 2001):
        assert agent.send("/customers/C000001", "/note", text=wrong).status_code == 422
    with open_store(guarded.address) as store:
        forget(store, Settings().store.customer_hash_key, "C000002", by="test")
    form = agent.form("/customers/C000001", "/note")
    assert agent.post("/note", form | {"customer_id": "C000002", "text": "x"}).status_code == 410
