"""A form of the list that is refused comes back as it was filled in, and the audit log says who was shown what."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.list_work import WorkChange, take
from churn_mlops.store.scoring.publishing import publish
from tests.serving.access.secured_app import Guarded, bearer
from tests.serving.console.visitor import Visitor
from tests.serving.console.work_list.test_list_change import KEY, events
from tests.serving.console.work_list.test_list_work_page import ME, OTTO, name, send, today, works
from tests.store.builders import DAY, batches, run

DAYS = {"today": 0, "in 31 days": 31}
PLACE = "/list?band=high&q=C0000"


def marked(text: str) -> list[str]:
    """The fields that a page marks as wrong, and puts the focus on."""
    return re.findall(r'<(?:input|select) [^>]*name="(\w+)"[^>]* aria-invalid="true"[^>]* autofocus', text)


@pytest.mark.parametrize(
    ("fields", "wrong", "words"),
    [
        ({"do": "snooze"}, "until", "Choose a date from"),
        ({"do": "snooze", "until": "  "}, "until", "Choose a date from"),
        ({"do": "snooze", "until": "soon"}, "until", "Choose a date from"),
        ({"do": "snooze", "until": "today"}, "until", "Choose a date from"),
        ({"do": "snooze", "until": "in 31 days"}, "until", "Choose a date from"),
        ({"do": "hand_on"}, "to", "Choose an agent."),
        ({"do": "hand_on", "to": " "}, "to", "Choose an agent."),
        ({"do": "hand_on", "to": "person:gone"}, "to", "No active user with this name"),
        ({"do": "hand_on", "to": "x" * 300}, "to", "No active user with this name"),
        ({"do": "note"}, "note", "Write a note."),
        ({"do": "note", "note": " "}, "note", "Write a note."),
        ({"do": ""}, "note", "Write a note."),
        ({"do": "take", "note": "a\x07"}, "note", "A note has at most 2,000 characters"),
        ({"do": "done", "note": "x" * 2001}, "note", "A note has at most 2,000 characters"),
        ({"do": "note", "note": "n", "all": "yes"}, "note", "A note is for the customers that you tick"),
        ({"do": "note", "note": "", "all": "yes"}, "note", "A note is for the customers that you tick"),
        ({"do": "take", "note": "a\x07", "all": "yes"}, "note", "A note has at most 2,000 characters"),
    ],
)
def test_a_field_to_mend_comes_back_on_its_page_of_the_list(
    agent: Visitor, guarded: Guarded, fields: dict[str, str], wrong: str, words: str
) -> None:
    if (days := DAYS.get(fields.get("until", ""))) is not None:
        fields = fields | {"until": (today() + timedelta(days=days)).isoformat()}
    status, text = send(agent, PLACE, **fields, **{"row-2": "0", "row-3": "0"})
    assert (status, marked(text), works(guarded)) == (422, [wrong], {})
    assert re.search(rf'class="wrong" id="[a-z-]+wrong">{words}', text)
    assert re.findall(r'name="(row-\d+)"[^>]* checked', text) == ["row-2", "row-3"]
    assert 'name="q" type="search" value="C0000"' in text
    assert '<option value="high" selected>' in text
    assert agent.form(PLACE, "/list/work")["list"] in text.replace("&amp;", "&")
    assert ('name="all" value="yes" checked' in text) == ("all" in fields)


def test_what_was_filled_in_stays_and_the_mended_form_is_taken(agent: Visitor, guarded: Guarded) -> None:
    given = {"row-1": "0", "note": "<They move>", "to": "person:admin-person"}
    _, text = send(agent, do="snooze", until="2020-01-01", **given)
    assert 'value="&lt;They move&gt;"' in text
    assert 'value="2020-01-01"' in text
    assert '<option value="person:admin-person" selected>' in text
    until = today() + timedelta(days=1)
    assert send(agent, do="snooze", until=until.isoformat(), **given)[0] == 303
    assert (works(guarded)[name(0)].snoozed_until, works(guarded)[name(0)].owner) == (until, None)


def test_a_field_of_another_action_is_in_no_ones_way(agent: Visitor, guarded: Guarded) -> None:
    assert send(agent, do="take", to="x" * 300, until="12026-01-01", **{"row-1": "0"})[0] == 303
    assert works(guarded)[name(0)].owner == ME


def test_a_list_that_was_published_again_is_shown_and_keeps_what_was_filled_in(
    agent: Visitor, guarded: Guarded
) -> None:
    form = agent.form("/list", "/list/work") | {"do": "take", "note": "They move.", "row-1": "0"}
    with open_store(guarded.address) as store:
        publish(store, run(), batches(50))
    answer = agent.post("/list/work", form)
    assert (answer.status_code, 'value="They move."' in answer.text) == (409, True)
    assert re.search(r'banner error" role="alert">The list was published again', answer.text)
    assert re.findall(r'name="(row-\d+)"[^>]* checked', answer.text) == []  # a rank means another customer by now
    assert agent.post("/list/work", agent.form("/list", "/list/work") | {"do": "take", "row-1": "0"}).status_code == 303


def test_the_audit_log_keeps_a_refusal_that_shows_the_list(visitor: Visitor, guarded: Guarded) -> None:
    visitor.sign_in("analyst")
    before = len(events(guarded, "predictions.read"))
    for fields, status in (
        ({"do": "take"}, 403),
        ({"do": "hand_on", "to": "person:gone"}, 422),
        ({"do": "take", "published": "0 then"}, 409),
    ):
        assert send(visitor, **fields, **{"row-1": "0"})[0] == status
        last = events(guarded, "predictions.read")[0]
        wanted = {"route": "/list/work", "part": "contact", "first": 1, "as_of": DAY.isoformat()}
        assert last.caller == "person:analyst-person"
        assert last.details.items() >= wanted.items()
        assert last.details["refused"]
        assert "gone" not in str(last.details)  # no value that was sent
    assert len(events(guarded, "predictions.read")) == before + 6  # each page that was opened, and each refusal
    assert events(guarded) == []


def test_the_audit_log_names_the_agent_that_a_refusal_names(agent: Visitor, guarded: Guarded) -> None:
    form = agent.form("/customers/C000000", "/work")
    with open_store(guarded.address) as store:
        take(store, WorkChange(name(0), OTTO))
    ways = [
        (agent.post("/work", form | {"do": "take"}).status_code, "/work"),
        (send(agent, do="take", **{"row-1": "1"})[0], "/list/work"),
    ]
    agent.client.cookies.clear()
    headers = bearer(guarded.keys["agent"])
    answer = agent.client.post("/api/list/C000000/take", json={}, headers=headers)
    ways.append((answer.status_code, "/api/list/{customer_id}/take"))
    assert [status for status, _ in ways] == [409, 409, 409]
    found = [one for one in reversed(events(guarded, "customer.read")) if "refused" in one.details]
    assert [one.details["route"] for one in found] == [route for _, route in ways]
    assert {(one.details["refused"], one.details["agent"]) for one in found} == {("taken", OTTO)}
    assert {one.customer_hash for one in found} == {customer_hash(KEY, name(0))}


def test_the_audit_log_names_both_agents_of_a_change_by_any_way(agent: Visitor, guarded: Guarded) -> None:
    with open_store(guarded.address) as store:
        for number in (0, 1):
            take(store, WorkChange(name(number), OTTO))
    assert agent.send("/customers/C000000", "/work", do="release", confirmed="yes").status_code == 303
    agent.client.cookies.clear()
    body = {"to": None, "version": 1}
    answer = agent.client.post("/api/list/C000001/hand-on", json=body, headers=bearer(guarded.keys["agent"]))
    assert answer.status_code == 200
    assert [(one.caller, one.details["from"]) for one in events(guarded)] == [("key:agent-key", OTTO), (ME, OTTO)]


def test_a_page_of_a_wrong_address_leads_back_to_the_list(agent: Visitor) -> None:
    answer = agent.get("/list?after=x")
    assert (answer.status_code, 'href="/list">To the list' in answer.text) == (422, True)
