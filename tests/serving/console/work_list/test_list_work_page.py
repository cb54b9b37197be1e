"""Agents work on the list by page: rows that are ticked, or all that match, and who was skipped is named."""

from __future__ import annotations

import re
from datetime import date, timedelta
from html import unescape
from pathlib import Path

import pytest

from churn_mlops.serving.console.work_list import list_change
from churn_mlops.store import open_store
from churn_mlops.store.access.users import add_user
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.campaigns.list_work import ListWork, WorkChange, finish, snooze, take, work_on
from churn_mlops.store.campaigns.notes import notes_of
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.database.clock import utc_now
from churn_mlops.store.scoring.publishing import publish
from tests.serving.access.secured_app import PASSWORD, Guarded
from tests.serving.console.visitor import Visitor
from tests.serving.console.work_list.test_list_page import LISTED, all_pages, ids
from tests.serving.test_workers import until
from tests.store.builders import DAY, batches, run

ME, OTTO = "person:agent-person", "person:otto"


def today() -> date:
    """The day of the server now: it may change while the tests run."""
    return utc_now().date()


def name(number: int) -> str:
    return f"C{number:06d}"


def works(guarded: Guarded) -> dict[str, ListWork]:
    with open_store(guarded.address) as store:
        return work_on(store)


def send(agent: Visitor, page: str = "/list", **fields: str) -> tuple[int, str]:
    """Send the form of the list: the status, and the place or the page that it leads to."""
    answer = agent.post("/list/work", agent.form(page, "/list/work") | fields)
    return answer.status_code, answer.headers.get("Location") or answer.text


def states(text: str) -> dict[str, int]:
    """The counts of the states that a page of the list shows."""
    (chips,) = re.findall(r'<nav class="chips".*?</nav>', text, re.DOTALL)
    return {word: int(count) for word, count in re.findall(r">(\w+) <span class=\"count\">(\d+)<", chips)}


def test_rows_that_are_ticked_are_taken_given_back_and_done(agent: Visitor, guarded: Guarded) -> None:
    status, place = send(agent, do="take", **{"row-1": "0", "row-3": "0"})
    assert (status, place.endswith("did=take&count=2#r1")) == (303, True)
    assert {customer: work.owner for customer, work in works(guarded).items()} == {name(0): ME, name(2): ME}
    text = agent.get(place).text
    assert "2 customers taken." in text
    assert states(text) == {"All": LISTED, "Open": LISTED - 2, "Taken": 2, "Waiting": 0, "Contacted": 0, "Done": 0}
    assert ids(agent.get("/list?owner=me").text) == ids(agent.get("/list?state=taken").text) == [name(0), name(2)]
    assert send(agent, do="release", **{"row-1": "1"})[0] == 303
    assert send(agent, one="done-3-1", **{"row-1": "0", "do": "take"})[1].endswith("did=done&count=1#r3")
    text = agent.get("/list").text
    assert "Done by you" in text
    assert f"1 of {LISTED} worked" in text
    assert ids(agent.get("/list?state=done").text) == [name(2)]
    assert all_pages(agent, "/list?state=open") == [name(number) for number in range(LISTED) if number != 2]


def test_the_page_says_nothing_of_a_change_that_was_not_made(agent: Visitor) -> None:
    _, place = send(agent, do="done", **{"row-1": "0"})
    assert "1 customer is done." in agent.get(place).text
    for made_up in ("/list?did=done&count=2147483647", place.replace("count=1", "count=2")):
        assert re.search(r"\d customers? (is|are) done\.", agent.get(made_up).text) is None


def test_of_two_agents_one_gets_the_customer_and_the_other_sees_who(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/list", "/list/work")
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(0), OTTO))
    answer = agent.post("/list/work", form | {"do": "take", "row-1": "0"})
    assert answer.status_code == 409
    assert re.search(r"1 customer is taken by another agent.*C000000.*by otto", answer.text, re.DOTALL)
    both = agent.post("/list/work", form | {"do": "take", "row-1": "0", "row-2": "0"})
    assert (both.status_code, "1 customer taken." in both.text) == (200, True)
    assert {customer: work.owner for customer, work in works(guarded).items()} == {name(0): OTTO, name(1): ME}


def test_another_agents_customer_is_given_back_once_the_page_has_named_them(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/list", "/list/work")
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(0), OTTO))
    stale = agent.post("/list/work", form | {"do": "release", "row-1": "0"})
    assert (stale.status_code, works(guarded)[name(0)].owner) == (409, OTTO)
    assert "otto" in agent.get("/list").text
    assert send(agent, do="release", confirmed="yes", **{"row-1": "1"})[0] == 303
    assert works(guarded)[name(0)].owner is None


def test_a_customer_waits_until_a_date_with_a_note_why(agent: Visitor, guarded: Guarded) -> None:
    until = today() + timedelta(days=3)
    assert send(agent, do="", until=until.isoformat(), note="on holiday", **{"row-2": "0"})[0] == 303
    assert (works(guarded)[name(1)].snoozed_until, works(guarded)[name(1)].note) == (until, "on holiday")
    assert "on holiday" in agent.get("/list?state=snoozed").text
    for day in (today(), today() + timedelta(days=31), date(2026, 1, 1)):
        assert send(agent, do="snooze", until=day.isoformat(), **{"row-3": "0"})[0] == 422
    assert set(works(guarded)) == {name(1)}


def test_a_customer_is_handed_on_to_a_user_who_is_there(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        add_user(store, "ben", PASSWORD, "agent", by="test")
    page = agent.get("/list").text
    choices = re.findall(r'<option value="(person:[^"]+)">', page.partition('id="to"')[2].partition("</select>")[0])
    assert choices == ["person:admin-person", "person:agent-person", "person:ben"]  # who may open a customer
    assert send(agent, do="hand_on", to="person:ben", **{"row-1": "0"})[0] == 303
    assert works(guarded)[name(0)].owner == "person:ben"
    assert ids(agent.get("/list?owner=person:ben").text) == [name(0)]
    for wrong in ("person:nobody", "person:disabled-person", "person:analyst-person", ""):
        assert send(agent, do="hand_on", to=wrong, **{"row-2": "0"})[0] == 422


def test_a_note_goes_to_the_customer_and_changes_no_work(agent: Visitor, guarded: Guarded) -> None:
    assert send(agent, do="note", note="They move in May.", **{"row-1": "0"})[0] == 303
    with open_store(guarded.address) as store:
        assert [one.text for one in notes_of(store, name(0))] == ["They move in May."]
        assert work_on(store) == {}


def test_all_that_match_the_filter_are_changed_after_a_question(
    agent: Visitor, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_change, "PORTION", 7)
    until = today() + timedelta(days=3)
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(3), OTTO))
        snooze(store, WorkChange(name(7), OTTO), until)
        finish(store, WorkChange(name(4), OTTO), DAY)
        set_do_not_contact(store, name(5), blocked=True, reason="they asked", by=OTTO)
        record_contact(store, NewContact("k", "s", name(6), utc_now(), "20 % off", "no_answer", OTTO))
    status, question = send(agent, "/list?band=high", do="take", all="yes")
    assert (status, "Take up to 61 customers?" in question, ME in str(works(guarded))) == (200, True, False)
    fields = {
        field: unescape(value)
        for field, value in re.findall(r'name="([^"]+)" value="([^"]*)"', question.partition('class="card"')[2])
        if field != "theme"
    }
    answer = agent.post("/list/work", fields)
    assert (answer.status_code, "56 customers taken." in answer.text) == (200, True)
    assert re.search(r"1 customer waits and was left waiting.*C000007.*otto, until ", answer.text, re.DOTALL)
    assert works(guarded)[name(7)].snoozed_until == until
    for words in ("1 customer is taken by another agent", "1 customer gets no offer now", "2 customers are worked"):
        assert words in answer.text
    assert sum(work.owner == ME for work in works(guarded).values()) == 56
    again = agent.post("/list/work", fields)
    assert "56 customers taken." in again.text  # as before: a request may come twice
    assert {work.version for work in works(guarded).values()} == {1}


def test_all_customers_of_an_agent_who_went_home_are_handed_on(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        for number in range(3):
            take(store, WorkChange(name(number), OTTO))
    confirmed = {"do": "hand_on", "to": ME, "all": "yes", "confirmed": "yes"}
    status, text = send(agent, "/list?state=taken", **confirmed)  # the filter does not name the owner
    assert (status, "3 customers are taken by another agent" in text) == (200, True)
    assert send(agent, "/list?owner=person:otto", **confirmed)[1].endswith("did=hand_on&count=3")
    assert {work.owner for work in works(guarded).values()} == {ME}


def test_nothing_is_done_without_rows_or_with_a_list_that_is_gone(agent: Visitor, guarded: Guarded) -> None:
    status, text = send(agent, do="take", note="They move.")
    assert (status, "No customer is ticked" in text, 'value="They move."' in text) == (422, True, True)
    form = agent.form("/list", "/list/work") | {"do": "take", "row-1": "0"}
    for wrong in ({"do": "steal"}, {"one": "steal-1-0"}, {"row-1": "x"}, {"list": "/evil"}, {"note": "a\x07"}):
        assert agent.post("/list/work", form | wrong).status_code == 422, wrong
    assert (
        agent.post("/list/work", form | {"do": "note", "note": "n", "all": "yes", "confirmed": "yes"}).status_code
        == 422
    )
    with open_store(guarded.address) as store:
        publish(store, run(), batches(50))
    answer = agent.post("/list/work", form)
    assert (answer.status_code, "published again" in answer.text) == (409, True)
    assert works(guarded) == {}


def test_a_form_is_sent_again_as_it_was_when_the_store_is_back(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/list", "/list/work") | {"do": "take", "row-1": "0"}
    own = agent.form("/customers/C000001", "/work") | {"do": "take"}
    file = Path(guarded.address.removeprefix("sqlite:///"))
    hidden = file.rename(file.with_suffix(".gone"))
    pages = {action: agent.post(action, fields) for action, fields in (("/list/work", form), ("/work", own))}
    hidden.rename(file)
    until(lambda: agent.get("/list").status_code == 200)  # after a few failures the server tries no more for a while
    for action, page in pages.items():
        assert (page.status_code, page.headers.get("Retry-After")) == (503, "2"), action
        again = dict(re.findall(r'<input type="hidden" name="([^"]+)" value="([^"]*)">', page.text))
        assert agent.post(action, {field: unescape(value) for field, value in again.items()}).status_code == 303
    assert {customer: work.owner for customer, work in works(guarded).items()} == {name(0): ME, name(1): ME}


def test_markup_in_a_note_is_text(agent: Visitor) -> None:
    markup = "<img src=x onerror=alert(1)>"
    send(agent, do="take", note=markup, **{"row-1": "0"})
    text = agent.get("/list").text
    assert markup not in text
    assert "&lt;img src=x" in text


def test_an_analyst_hands_customers_on_but_opens_and_takes_none(visitor: Visitor, guarded: Guarded) -> None:
    visitor.sign_in("analyst")
    text = visitor.get("/list").text
    assert 'value="take"' not in text
    assert ids(text) == []
    assert send(visitor, do="hand_on", to=ME, **{"row-1": "0"})[0] == 303
    assert works(guarded)[name(0)].owner == ME


def test_a_foreign_page_changes_nothing(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/list", "/list/work") | {"do": "take", "row-1": "0"}
    assert agent.post("/list/work", form | {"csrf_token": "x"}).status_code == 403
    assert agent.post("/list/work", form, **{"Sec-Fetch-Site": "cross-site"}).status_code == 403
    assert works(guarded) == {}
