"""A change of the list is made for the list that was seen alone, and its trace stands with it or not at all."""

from __future__ import annotations

import pytest

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store import Store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.list_trace import ListChangedError, ListTrace
from churn_mlops.store.campaigns.list_work import WorkAction, WorkChange, change_all, work_on
from churn_mlops.store.campaigns.notes import add_notes, notes_of
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import batches, run

BY = "person:anna"


def test_a_change_leaves_its_trace_until_the_list_is_published_again(store: Store) -> None:
    seen = publish(store, run(), batches(3))
    trace = ListTrace(seen.id, seen.finished_at, BY, "work.changed", {"do": "take"})
    each = ListTrace(seen.id, seen.finished_at, BY, "note.added", {}, "key")
    changes, action = [WorkChange(customer, BY) for customer in ("C1", "C2")], WorkAction("take")
    for _ in range(2):  # the second time, nothing changes
        change_all(store, changes, action, trace=trace)
        assert add_notes(store, {"C1": "k:1"}, "They move.", hash_key="key", trace=each) == set()
    events = [(one.event, one.customer_hash, one.details) for one in audit_events(store)]
    assert events == [
        ("note.added", customer_hash("key", "C1"), {}),
        ("work.changed", None, {"do": "take", "count": 2}),
    ]
    publish(store, run(), batches(3))
    with pytest.raises(ListChangedError):
        change_all(store, [WorkChange("C3", BY)], action, trace=trace)
    with pytest.raises(ListChangedError):
        add_notes(store, {"C3": "k:3"}, "They move.", hash_key="key", trace=each)
    assert ("C3" in work_on(store), notes_of(store, "C3"), len(audit_events(store))) == (False, [], 2)
