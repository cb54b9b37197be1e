"""Agents take customers of the list by page, and never two of them the same one without seeing it."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from churn_mlops.store import open_store
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.campaigns.list_work import WorkChange, snooze, take, work_on
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.clock import utc_now
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.serving.console.work_list.test_list_doubts import confirmed

PAGE = "/customers/C000001"


def test_a_customer_is_taken_and_done(agent: Visitor, guarded: Guarded) -> None:
    assert "No one works on this customer." in agent.get(PAGE).text
    place = agent.send(PAGE, "/work", do="take").headers["Location"]
    assert "You took this customer." in agent.get(place).text
    assert "You took this customer." not in agent.get(f"{PAGE}?did=take").text
    assert "You work on this customer since" in agent.get(PAGE).text
    assert 'class="badge owner">You' in agent.get("/list").text
    assert agent.send(PAGE, "/work", do="done").status_code == 303
    assert "The work on this customer is done." in agent.get(PAGE).text
    with open_store(guarded.address) as store:
        work = work_on(store, ["C000001"])["C000001"]
    assert (work.changed_by, work.owner, work.version) == ("person:agent-person", None, 2)


def test_another_agent_who_was_faster_is_named(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form(PAGE, "/work")
    with open_store(guarded.address) as store:
        take(store, WorkChange("C000001", "person:otto"))
    for change in ("take", "done"):
        answer = agent.post("/work", form | {"do": change})
        assert re.search(r"Since [^.]+ otto works on this customer\.", answer.text)
        assert (answer.status_code, "UTC" in answer.text, "erson:otto" in answer.text) == (409, False, False)
    page = agent.get(PAGE).text
    assert "otto works on this customer since" in page
    assert [f'value="{do}"' in page for do in ("take", "snooze", "release")] == [False, False, True]


def test_a_customer_of_another_agent_is_given_back_after_a_question_that_names_both(
    agent: Visitor, guarded: Guarded
) -> None:
    with open_store(guarded.address) as store:
        take(store, WorkChange("C000001", "person:otto"))
    asked = agent.send(PAGE, "/work", do="release")
    assert (asked.status_code, "Give back C000001</button>" in asked.text) == (409, True)
    assert re.search(r"C000001</span>.*otto works on them", asked.text)
    with open_store(guarded.address) as store:
        assert work_on(store)["C000001"].owner == "person:otto"
    answer = agent.post("/work", confirmed(asked.text))
    assert "This customer is given back to all." in agent.get(answer.headers["Location"]).text
    with open_store(guarded.address) as store:
        assert work_on(store)["C000001"].owner is None


@pytest.mark.parametrize("kind", ["take", "snooze", "done"])
def test_a_wait_of_another_agents_customer_ends_after_the_question_of_the_list(
    agent: Visitor, guarded: Guarded, kind: str
) -> None:
    until = utc_now().date() + timedelta(days=3)
    with open_store(guarded.address) as store:
        take(store, WorkChange("C000001", "person:otto"))
        snooze(store, WorkChange("C000001", "person:otto"), until)
    assert re.search(r"This customer waits until [^(]+\(otto\)\.", agent.get(PAGE).text)
    assert re.search(r"otto, until ", agent.get("/list?state=snoozed").text)
    later = {"until": (until + timedelta(days=1)).isoformat()} if kind == "snooze" else {}
    from_page = agent.send(PAGE, "/work", do=kind, **later)
    row = agent.form("/list", "/list/work") | {"do": kind, "row-2": "2"} | later
    from_list = agent.post("/list/work", row)
    words = [re.findall(r"<h1>.*?</h1>|otto, until [^<]+|<p>.*?</p>", one.text) for one in (from_page, from_list)]
    assert (from_page.status_code, from_list.status_code, words[0]) == (409, 409, words[1])
    assert agent.post("/work", confirmed(from_page.text)).status_code == 303
    with open_store(guarded.address) as store:
        work = work_on(store)["C000001"]
    assert (work.changed_by, work.snoozed_until == until) == ("person:agent-person", False)


def test_a_date_that_is_too_far_off_is_refused_with_the_dates_of_the_page(agent: Visitor) -> None:
    answer = agent.send(PAGE, "/work", do="snooze", until="2020-01-01")
    assert (answer.status_code, "Choose a date from " in answer.text, "2020" in answer.text) == (422, True, False)


def test_a_change_of_what_is_not_there_is_refused(agent: Visitor) -> None:
    form = agent.form(PAGE, "/work")
    assert agent.post("/work", form | {"do": "take", "customer_id": "C000110"}).status_code == 404
    for wrong in ({"do": "steal"}, {"version": "x"}, {"version": "-1"}, {"customer_id": ""}):
        assert agent.post("/work", form | {"do": "take"} | wrong).status_code == 422
    assert 'action="/work"' not in agent.get("/customers/C000110").text


def test_a_customer_waits_and_is_given_back_from_their_page(agent: Visitor, guarded: Guarded) -> None:
    agent.send(PAGE, "/work", do="take")
    until = utc_now().date() + timedelta(days=3)
    assert agent.send(PAGE, "/work", do="snooze", until=until.isoformat()).status_code == 303
    assert "This customer waits until" in agent.get(PAGE).text
    assert agent.send(PAGE, "/work", do="release").status_code == 303
    with open_store(guarded.address) as store:
        work = work_on(store, ["C000001"])["C000001"]
    assert (work.owner, work.snoozed_until, work.version) == (None, until, 3)
    for wrong in ({"until": ""}, {"until": "2020-01-01"}, {"until": "soon"}):
        assert agent.send(PAGE, "/work", do="snooze", **wrong).status_code == 422


def test_a_customer_who_gets_no_offer_now_is_not_taken(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        set_do_not_contact(store, "C000001", blocked=True, reason="they asked", by="person:otto")
    page = agent.get(PAGE).text
    assert 'value="take"' not in page
    assert re.search(r'href="#dismissal">record why.*href="#text">add a note', page)
    assert {'id="dismissal"', 'id="text"'} <= set(re.findall(r'id="[a-z]+"', page))
    answer = agent.send(PAGE, "/work", do="take")
    (refused,) = re.findall(r"The customer gets no offer now: [^<]*", answer.text)
    assert (answer.status_code, "they must not be contacted" in refused, refused in page) == (409, True, True)
    with open_store(guarded.address) as store:
        assert work_on(store) == {}


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("offered", "They heard the offer"),
        ("accepted", "They accepted the offer"),
        ("declined", "They declined the offer"),
        ("no_answer", "They did not answer"),
        ("not_offered", "An agent decided within the last day to make no offer."),
    ],
)
def test_after_a_contact_the_page_says_what_happened_and_that_nothing_is_left_to_do(
    agent: Visitor, guarded: Guarded, result: str, words: str
) -> None:
    assert 'value="take"' in agent.get(PAGE).text
    dismissal = {"dismissal": "bad_time"} if result == "not_offered" else {}
    with open_store(guarded.address) as store:
        record_contact(
            store, NewContact("k", "s", "C000001", utc_now(), "20 % off", result, "person:otto", **dismissal)
        )
    page = agent.get(PAGE).text
    assert (words in page, "Nothing is left to do" in page) == (True, True)
    assert ('value="take"' in page, "Instead of taking them" in page) == (False, False)
    assert ('<h2 id="act-title">No offer was made</h2>' in page) == (result == "not_offered")
    assert agent.get("/list?q=C000001").text.count(">Not offered<") == (result == "not_offered")
