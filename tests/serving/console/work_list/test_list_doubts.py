"""An agent is asked before they end what another agent decided: their work on a customer, or a wait with a date."""

from __future__ import annotations

import re
from datetime import timedelta
from html import unescape

import pytest

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.console.work_list.list_doubts import Doubt, doubts_of, keeps_waiting
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.list_work import ListWork, WorkAction, WorkChange, snooze, take
from tests.serving.access.secured_app import Guarded
from tests.serving.console.visitor import Visitor
from tests.serving.console.work_list.test_list_change import KEY, events
from tests.serving.console.work_list.test_list_work_page import ME, OTTO, name, send, today, works

UNTIL = today() + timedelta(days=3)
WAITS = ListWork("C1", version=2, snoozed_until=UNTIL, changed_by=OTTO)
TAKEN = ListWork("C1", version=2, owner=OTTO, changed_by=OTTO)


def confirmed(text: str) -> dict[str, str]:
    """The fields of the form with which a page asks."""
    (form,) = re.findall(r'<form class="card".*?</form>', text, re.DOTALL)
    return {field: unescape(value) for field, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}


@pytest.mark.parametrize("kind", ["release", "hand_on"])
def test_a_customer_of_another_agent_is_given_back_or_on_after_a_question(
    agent: Visitor, guarded: Guarded, kind: str
) -> None:
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(0), OTTO))
        take(store, WorkChange(name(1), ME))
    to = {"to": "person:admin-person"} if kind == "hand_on" else {}
    status, text = send(agent, do=kind, **to, **{"row-1": "1", "row-2": "1"})
    assert (status, [work.owner for work in works(guarded).values()]) == (409, [OTTO, ME])
    assert re.search(r"C000000</span>.*otto works on them", text)
    assert (name(1) in text, "the other customers that you ticked" in text) == (False, True)
    assert [one.customer_hash for one in events(guarded, "customer.read")] == [customer_hash(KEY, name(0))]
    assert agent.post("/list/work", confirmed(text)).status_code == 303
    assert {work.owner for work in works(guarded).values()} == {to.get("to")}
    assert [(one.caller, one.details.get("from")) for one in events(guarded)] == [(ME, None), (ME, OTTO)]


@pytest.mark.parametrize("kind", ["take", "snooze", "done"])
def test_a_wait_that_another_agent_set_ends_after_a_question(agent: Visitor, guarded: Guarded, kind: str) -> None:
    with open_store(guarded.address) as store:
        snooze(store, WorkChange(name(0), OTTO), UNTIL)
    later = {"until": (UNTIL + timedelta(days=1)).isoformat()} if kind == "snooze" else {}
    status, text = send(agent, do=kind, **later, **{"row-1": "1"})
    assert (status, works(guarded)[name(0)].snoozed_until) == (409, UNTIL)
    assert re.search(r"C000000</span>.*otto, until ", text)
    assert "the other customers that you ticked" not in text
    assert agent.post("/list/work", confirmed(text)).status_code == 303
    assert works(guarded)[name(0)].snoozed_until != UNTIL


def test_own_customers_and_own_waits_raise_no_question(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(0), ME))
        snooze(store, WorkChange(name(1), ME), UNTIL)
    assert send(agent, do="release", **{"row-1": "1"})[0] == 303
    assert send(agent, do="take", **{"row-2": "1"})[0] == 303


def test_all_who_wait_are_taken_if_the_filter_shows_them_with_their_agents(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        for number, owner in ((0, OTTO), (1, OTTO), (2, ME)):
            take(store, WorkChange(name(number), owner))
            snooze(store, WorkChange(name(number), owner), UNTIL)
        take(store, WorkChange(name(3), OTTO))
    _, question = send(agent, "/list?state=snoozed", do="take", all="yes")
    assert ("Take up to 3 customers?" in question, "Waits that other agents set end, too." in question) == (True, True)
    assert agent.post("/list/work", confirmed(question)).status_code == 303
    found = works(guarded)
    assert [(found[name(number)].owner, found[name(number)].snoozed_until) for number in range(4)] == [
        *[(ME, None)] * 3,
        (OTTO, None),
    ]


def test_a_customer_who_changed_since_they_were_seen_is_refused_and_not_asked_about() -> None:
    for work, action in ((TAKEN, WorkAction("release")), (WAITS, WorkAction("take"))):
        assert len(doubts_of({"C1": 2}, {"C1": work}, action, ME, today())) == 1
        assert doubts_of({"C1": 1}, {"C1": work}, action, ME, today()) == []
        assert doubts_of({"C2": 2}, {"C1": work}, action, ME, today()) == []


def test_a_wait_stands_until_its_date_and_what_keeps_it_is_not_asked_about() -> None:
    assert doubts_of({"C1": 2}, {"C1": WAITS}, WorkAction("done", day=today()), ME, today()) == [
        Doubt("C1", OTTO, UNTIL)
    ]
    assert keeps_waiting(WAITS, WorkAction("take"), UNTIL - timedelta(days=1))
    assert not keeps_waiting(WAITS, WorkAction("take"), UNTIL)
    assert not keeps_waiting(WAITS, WorkAction("snooze", day=UNTIL), today())  # the date stays
    assert not keeps_waiting(WAITS, WorkAction("release"), today())
    assert doubts_of({"C1": 2}, {"C1": TAKEN}, WorkAction("take"), ME, today()) == []  # the store refuses that
