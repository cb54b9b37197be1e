"""A change of many customers leaves a trace, goes on where its time was up, and is bound to the list that was seen."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from html import unescape

import pytest

from churn_mlops.config import Settings
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.serving.console.work_list import list_change, list_work_page
from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import AuditEvent, audit_events
from churn_mlops.store.campaigns.list_work import WorkChange, finish, take
from churn_mlops.store.campaigns.notes import notes_of
from churn_mlops.store.scoring.browsing import customers_at
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import Run
from tests.serving.access.secured_app import Guarded, bearer
from tests.serving.console.visitor import Visitor
from tests.serving.console.work_list.test_list_page import LISTED
from tests.serving.console.work_list.test_list_work_page import ME, OTTO, name, send, works
from tests.store.builders import DAY, batches, run

ALL = {"all": "yes", "confirmed": "yes"}
KEY = Settings().store.customer_hash_key


def events(guarded: Guarded, event: str = "work.changed") -> list[AuditEvent]:
    with open_store(guarded.address) as store:
        return audit_events(store, event=event)


def test_a_change_whose_time_is_up_goes_on_from_there(
    agent: Visitor, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(list_change, "PORTION", LISTED - 5)
    monkeypatch.setattr(list_work_page, "MOST_SECONDS", 0.0)
    _, text = send(agent, do="take", **ALL)
    assert (f"{LISTED - 5} customers taken." in text, "5 customers are left" in text) == (True, True)
    (form,) = re.findall(r'<form class="card".*?</form>', text, re.DOTALL)
    fields = {field: unescape(value) for field, value in re.findall(r'name="([^"]+)" value="([^"]*)"', form)}
    answer = agent.post("/list/work", fields)
    assert (answer.status_code, "count=5" in answer.headers["Location"]) == (303, True)
    assert len(works(guarded)) == LISTED
    assert [one.details["count"] for one in events(guarded)] == [5, LISTED - 5]  # each portion has its event
    assert agent.post("/list/work", fields | {"from": "x"}).status_code == 422


def test_the_audit_log_says_what_was_done_with_all_that_match(agent: Visitor, guarded: Guarded) -> None:
    send(agent, "/list?band=high&q=c00000", do="hand_on", to="person:admin-person", **ALL)
    send(agent, "/list?band=high&q=c00000", do="hand_on", to="person:admin-person", **ALL)  # changes nothing
    (one,) = events(guarded)
    wanted = {"do": "hand_on", "to": "person:admin-person", "part": "contact", "band": "high", "q": "c00000"}
    assert one.details.items() >= (wanted | {"as_of": DAY.isoformat(), "route": "/list/work", "count": 10}).items()
    assert (one.caller, one.customer_hash) == (ME, None)
    send(agent, "/list?q=C000011", do="done", **ALL)
    assert events(guarded)[0].details["q_hash"] == customer_hash(KEY, "C000011")
    assert name(11) not in str(events(guarded))


def test_the_audit_log_names_each_row_that_was_changed_or_shown_by_its_hash(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(2), OTTO))
    send(agent, do="take", **{"row-1": "0", "row-2": "0", "row-3": "0"})
    send(agent, do="take", **{"row-1": "1"})  # has them already
    send(agent, do="take")
    send(agent, do="take", all="yes")  # the question alone
    assert {one.customer_hash for one in events(guarded)} == {customer_hash(KEY, name(number)) for number in (0, 1)}
    assert [one.details["do"] for one in events(guarded)] == ["take", "take"]
    assert [one.customer_hash for one in events(guarded, "customer.read")] == [customer_hash(KEY, name(2))]


def test_a_list_that_is_published_between_check_and_change_changes_no_other_customer(
    agent: Visitor, guarded: Guarded, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = customers_at

    def late(store: Store, seen: Run, ranks: Sequence[int]) -> Mapping[int, object]:
        (batch,) = batches(LISTED)
        publish(store, run(), [replace(batch, customer=list(reversed(batch.customer)))])
        return real(store, seen, ranks)

    monkeypatch.setattr(list_change, "customers_at", late)
    for fields in ({"do": "done"}, {"do": "note", "note": "They move."}):
        status, text = send(agent, **fields, **{"row-1": "0"})
        assert (status, "published again" in text) == (409, True)
    assert (works(guarded), events(guarded), events(guarded, "note.added")) == ({}, [], [])
    with open_store(guarded.address) as store:
        assert [notes_of(store, name(number)) for number in (0, LISTED - 1)] == [[], []]


def test_a_note_that_is_sent_twice_stands_once(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/list", "/list/work") | {"do": "note", "note": "They move.", "row-1": "0", "row-2": "0"}
    assert [agent.post("/list/work", form).status_code for _ in range(2)] == [303, 303]
    with open_store(guarded.address) as store:
        assert [len(notes_of(store, name(number))) for number in (0, 1)] == [1, 1]
    assert len(events(guarded, "note.added")) == 2
    assert agent.post("/list/work", form | {"note": "Another."}).status_code == 409
    assert agent.post("/list/work", form | {"key": ""}).status_code == 422
    own = agent.form("/customers/C000001", "/work") | {"do": "note", "note": "They move."}
    assert agent.post("/work", own).status_code == 422  # the page has another form for notes


def test_no_role_takes_customers_that_may_not_open_them(visitor: Visitor, guarded: Guarded) -> None:
    visitor.sign_in("analyst")
    for given in ({"row-1": "0"}, ALL):
        assert send(visitor, do="take", **given)[0] == 403
    headers = bearer(guarded.keys["analyst"])
    visitor.client.cookies.clear()
    assert visitor.client.post("/api/list/C000000/take", json={}, headers=headers).status_code == 403
    assert works(guarded) == {}


def test_a_customer_without_an_agent_is_not_given_back(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        finish(store, WorkChange(name(1), OTTO), DAY)
    before = works(guarded)
    status, text = send(agent, do="release", **{"row-1": "0", "row-2": "1"})
    assert (status, "2 customers had no agent" in text) == (409, True)
    assert (works(guarded), events(guarded)) == (before, [])
