"""Two agents never work on one customer without seeing it; blocks and notes are only added. On both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta

import pytest

from churn_mlops.errors import CustomerErasedError
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.do_not_contact import blocked_customers, blocks_of, set_do_not_contact
from churn_mlops.store.campaigns.list_work import (
    ListWork,
    TakenError,
    WorkChange,
    WorkChangedError,
    finish,
    hand_on,
    snooze,
    take,
    work_on,
)
from churn_mlops.store.campaigns.notes import NoteKeyReusedError, add_note, notes_of
from churn_mlops.store.erasure import forget

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
ANNA, BEN = "person:anna", "person:ben"


def test_the_second_take_names_the_owner_and_since_when(store: Store) -> None:
    taken = take(store, WorkChange("C1", ANNA), clock=lambda: NOW)
    assert (taken.owner, taken.owner_since, taken.version, taken.state(DAY, DAY)) == (ANNA, NOW, 1, "taken")
    assert take(store, WorkChange("C1", ANNA)) == taken
    with pytest.raises(TakenError, match="person:anna works on this customer since 2026-11-23 14:05 UTC") as refused:
        take(store, WorkChange("C1", BEN))
    assert refused.value.work == taken
    for change in (snooze, finish):
        with pytest.raises(TakenError):
            change(store, WorkChange("C1", BEN, version=1), DAY)
    assert work_on(store) == {"C1": taken}


def test_a_customer_of_another_agent_who_waits_is_changed_by_who_saw_it_until_the_wait_is_over(store: Store) -> None:
    until = DAY + timedelta(days=3)
    take(store, WorkChange("C1", ANNA), clock=lambda: NOW)
    waiting = snooze(store, WorkChange("C1", ANNA, 1), until, clock=lambda: NOW)
    with pytest.raises(TakenError):
        take(store, WorkChange("C1", BEN), clock=lambda: NOW)
    with pytest.raises(WorkChangedError):
        take(store, WorkChange("C1", BEN, 1), clock=lambda: NOW)
    with pytest.raises(TakenError):
        take(store, WorkChange("C1", BEN, 2), clock=lambda: NOW + timedelta(days=3))
    assert work_on(store) == {"C1": waiting}
    moved = snooze(store, WorkChange("C1", BEN, 2), until + timedelta(days=1), clock=lambda: NOW)
    assert (moved.owner, moved.agent, moved.snoozed_until) == (ANNA, ANNA, until + timedelta(days=1))
    taken = take(store, WorkChange("C1", BEN, 3), clock=lambda: NOW)
    assert (taken.owner, taken.snoozed_until, taken.waits(DAY)) == (BEN, None, False)


def test_of_eight_agents_who_take_a_customer_together_one_gets_them(address: str) -> None:
    open_store(address).close()
    together = threading.Barrier(8)

    def take_them(agent: int) -> str:
        with open_store(address) as store:
            together.wait(30)
            try:
                return str(take(store, WorkChange("C1", f"person:{agent}")).owner)
            except TakenError as taken:
                return str(taken.work.owner)

    with ThreadPoolExecutor(8) as threads:
        owners = set(threads.map(take_them, range(8)))
    assert len(owners) == 1
    with open_store(address) as store:
        assert work_on(store)["C1"].version == 1


def test_a_customer_is_handed_on_given_back_snoozed_and_done(store: Store) -> None:
    take(store, WorkChange("C1", ANNA))
    handed = hand_on(store, WorkChange("C1", ANNA, 1, note="Ben knows them"), BEN)
    assert (handed.owner, handed.version, handed.note) == (BEN, 2, "Ben knows them")
    snoozed = snooze(store, WorkChange("C1", BEN, 2, note="on holiday"), DAY + timedelta(days=3))
    assert [snoozed.state(DAY, DAY + timedelta(days=days)) for days in (0, 2, 3)] == ["snoozed", "snoozed", "taken"]
    done = finish(store, WorkChange("C1", BEN, 3), DAY)
    assert (done.state(DAY, DAY), done.owner, done.state(DAY + timedelta(days=1), DAY)) == ("done", None, "open")
    assert hand_on(store, WorkChange("C1", ANNA, 4), None).owner is None
    assert ListWork("C2").state(DAY, DAY) == "open"


def test_a_change_of_a_version_that_is_gone_is_refused(store: Store) -> None:
    take(store, WorkChange("C1", ANNA))
    with pytest.raises(WorkChangedError, match="person:anna changed the work") as refused:
        hand_on(store, WorkChange("C1", BEN, 0), BEN)
    assert refused.value.work.version == 1
    assert work_on(store, ["C1", "C2"])["C1"].owner == ANNA


def test_a_block_is_lifted_by_a_row_and_nothing_is_deleted(store: Store) -> None:
    first = set_do_not_contact(store, "C1", blocked=True, reason="they asked", by=ANNA, clock=lambda: NOW)
    assert set_do_not_contact(store, "C1", blocked=True, reason="again", by=BEN) == first
    set_do_not_contact(store, "C2", blocked=True, reason="they asked", by=ANNA)
    assert blocked_customers(store) == {"C1", "C2"}
    assert blocked_customers(store, ["C1", "C3"]) == {"C1"}
    set_do_not_contact(store, "C1", blocked=False, reason="they changed their mind", by=BEN)
    assert blocked_customers(store) == {"C2"}
    assert [(one.blocked, one.reason, one.caller) for one in blocks_of(store, "C1")] == [
        (True, "they asked", ANNA),
        (False, "they changed their mind", BEN),
    ]


def test_lifting_a_block_that_is_not_there_writes_nothing_that_blocks(store: Store) -> None:
    set_do_not_contact(store, "C1", blocked=False, reason="none there", by=ANNA)
    assert blocked_customers(store) == set()


def test_notes_come_back_the_latest_first(store: Store) -> None:
    for text in ("They called.", "They called again."):
        add_note(store, "C1", text, by=ANNA, clock=lambda: NOW)
    assert [(one.text, one.author, one.at) for one in notes_of(store, "C1")] == [
        ("They called again.", ANNA, NOW),
        ("They called.", ANNA, NOW),
    ]
    assert notes_of(store, "C2") == []


def test_a_note_that_is_sent_twice_under_one_key_is_one_note(store: Store) -> None:
    first, again = (add_note(store, "C1", "They called.", by=ANNA, key="k", clock=lambda: NOW) for _ in range(2))
    assert (first, again) == ((first[0], True), (first[0], False))
    for other in (("C2", "They called.", ANNA), ("C1", "Another.", ANNA), ("C1", "They called.", BEN)):
        with pytest.raises(NoteKeyReusedError):
            add_note(store, *other[:2], by=other[2], key="k")
    assert notes_of(store, "C1") == [first[0]]
    forget(store, "key", "C1", by="cli:anna")
    with pytest.raises(CustomerErasedError):
        add_note(store, "C1", "They called.", by=ANNA, key="k", hash_key="key")


def test_nothing_is_recorded_of_an_erased_customer(store: Store) -> None:
    forget(store, "key", "C1", by="cli:anna")
    change = WorkChange("C1", ANNA, 0, hash_key="key")
    for record in (
        lambda: take(store, change),
        lambda: hand_on(store, change, BEN),
        lambda: add_note(store, "C1", "text", by=ANNA, hash_key="key"),
        lambda: set_do_not_contact(store, "C1", blocked=True, reason="r", by=ANNA, hash_key="key"),
    ):
        with pytest.raises(CustomerErasedError):
            record()
    assert work_on(store) == {}
