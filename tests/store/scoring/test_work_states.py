"""The state of the work in SQL is the state in Python, on both databases, and counting it walks over no list."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from itertools import product, repeat
from typing import Any

import pytest
from sqlalchemy import event

from churn_mlops.store import Store
from churn_mlops.store.campaigns.list_work import ListWork, WorkAction, WorkChange, change_all, work_on
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.scoring.browsing import Selection, count_selected, read_slice
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import Run, latest_run
from churn_mlops.store.scoring.work_states import STATES, ListTimes, contacts_by_list, list_times, state_counts
from tests.store.builders import DAY, NOW, batches, run

LISTED = 61
HOUR = timedelta(hours=1)
ACTIONS = (
    None,
    WorkAction("take"),
    WorkAction("release"),
    WorkAction("snooze", day=(NOW + timedelta(days=3)).date()),
    WorkAction("snooze", day=NOW.date()),  # over by now
    WorkAction("done", day=DAY),
    WorkAction("done", day=DAY - timedelta(days=7)),  # of an earlier list
)
CONTACTED = (None, -48, 3, 1)
"""Hours between the change of the work and a contact; long before is before the list."""


@pytest.fixture
def newest(store: Store) -> Run:
    """A list on which all cases of work and contact meet, and customers beside it with the same."""
    publish(store, run(), batches(100), clock=lambda: NOW)
    names = [f"C{number:06d}" for number in (*range(28), *range(70, 98))]
    cases = list(zip(names, [*product(ACTIONS, CONTACTED)] * 2, strict=True))
    for name, (action, _) in cases:
        if action is not None:
            change_all(store, [WorkChange(name, "person:anna")], action, clock=lambda: NOW + 2 * HOUR)
    contacts = [(NOW + hours * HOUR, name) for name, (_, hours) in cases if hours is not None]
    for at, name in sorted(contacts):  # ids grow with the time of recording
        new = NewContact(name, "s", name, at, "20 % off", "no_answer", "person:anna")
        record_contact(store, new, clock=repeat(at).__next__)
    return latest_run(store) or pytest.fail("no run")


@pytest.fixture
def times(store: Store, newest: Run) -> ListTimes:
    return list_times(store, newest, NOW + 4 * HOUR)


def states_in_python(store: Store, newest: Run, times: ListTimes) -> dict[str, str]:
    names = [one.customer for one in read_slice(store, newest, Selection(), 1000).items]
    works, contacted = work_on(store), contacts_by_list(store, times, names)
    return {
        name: works.get(name, ListWork(name)).state(newest.as_of, times.today, contacted.get(name)) for name in names
    }


def test_the_states_and_their_counts_are_those_of_python(store: Store, newest: Run, times: ListTimes) -> None:
    expected = states_in_python(store, newest, times)
    assert len(expected) == LISTED
    counts = state_counts(store, newest, times)
    assert counts == {name: Counter(expected.values())[name] for name in STATES}
    assert all(counts.values())
    for state in STATES:
        selection = Selection(state=state, times=times)
        found = [one.customer for one in read_slice(store, newest, selection, 1000).items]
        assert found == [name for name, is_in in expected.items() if is_in == state]
        assert count_selected(store, newest, selection) == counts[state]


def test_a_contact_before_the_list_or_before_the_last_change_makes_no_state(
    store: Store, newest: Run, times: ListTimes
) -> None:
    states = states_in_python(store, newest, times)
    by_case = dict(zip(product(ACTIONS, CONTACTED), states.values(), strict=False))
    assert [by_case[None, hours] for hours in CONTACTED] == ["open", "open", "contacted", "contacted"]
    assert [by_case[ACTIONS[1], hours] for hours in CONTACTED] == ["taken", "taken", "contacted", "taken"]
    assert {by_case[ACTIONS[5], hours] for hours in CONTACTED} == {"done"}


def test_the_customers_of_an_agent_are_found(store: Store, newest: Run) -> None:
    found = read_slice(store, newest, Selection(owner="person:anna"), 1000).items
    assert [one.customer for one in found] == [f"C{number:06d}" for number in range(4, 8)]
    assert read_slice(store, newest, Selection(owner="person:ben"), 1000).items == []


def test_the_work_is_counted_without_a_walk_over_the_list(store: Store, newest: Run, times: ListTimes) -> None:
    if store.file is None:
        pytest.skip("the plan of PostgreSQL depends on its statistics")
    asked: list[str] = []

    def note(connection: Any, cursor: Any, statement: str, parameters: Any, *_: Any) -> None:
        if statement.startswith("SELECT"):
            cursor.execute(f"EXPLAIN QUERY PLAN {statement}", parameters)
            asked.extend(row[3] for row in cursor.fetchall())

    event.listen(store.engine, "before_cursor_execute", note)
    state_counts(store, newest, times)
    event.remove(store.engine, "before_cursor_execute", note)
    of_list = [line for line in asked if "predictions" in line]
    assert of_list
    assert all("(run_id=? AND customer=?)" in line for line in of_list), asked
