"""Contacts are recorded once a key, however often it is sent, on both databases."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from churn_mlops.errors import RowsRefusedError
from churn_mlops.store import Store, open_store
from churn_mlops.store.contacts import (
    Contact,
    NewContact,
    contact_under,
    contacts,
    last_contact_of_each,
    latest_contacts,
    record_contact,
)

NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)


def contact(key: str = "call-1", **changed: object) -> NewContact:
    made = NewContact(key, "a" * 64, "C1", NOW, "20 % off", "accepted", "key:crm", "b" * 32, "they asked for it")
    return replace(made, **changed)  # type: ignore[arg-type]


def test_a_contact_comes_back_as_it_was_recorded(store: Store) -> None:
    recorded, is_new = record_contact(store, contact(), clock=lambda: NOW)
    assert is_new
    assert recorded == Contact(**vars(contact()), id=recorded.id, recorded_at=NOW)
    assert contacts(store, limit=10) == [recorded]
    assert contact_under(store, "call-1") == recorded
    assert contact_under(store, "call-2") is None


def test_a_key_stands_for_its_first_contact(store: Store) -> None:
    first, _ = record_contact(store, contact())
    again, is_new = record_contact(store, contact(request_sha256="c" * 64, customer="C2"))
    assert (again, is_new) == (first, False)
    assert len(contacts(store, limit=10)) == 1


def test_eight_parallel_requests_with_one_key_record_it_once(address: str) -> None:
    open_store(address).close()
    together = threading.Barrier(8)

    def post(_: int) -> tuple[Contact, bool]:
        with open_store(address) as store:
            together.wait(30)
            return record_contact(store, contact())

    with ThreadPoolExecutor(8) as threads:
        posted = list(threads.map(post, range(8)))
    assert len({one.id for one, _ in posted}) == 1
    assert sum(is_new for _, is_new in posted) == 1


def test_pages_follow_one_another_and_miss_no_contact(store: Store) -> None:
    recorded = [record_contact(store, contact(f"k{n}", customer=f"C{n % 2}"))[0] for n in range(7)]
    read: list[Contact] = []
    while page := contacts(store, after=read[-1].id if read else 0, limit=3):
        assert len(page) <= 3
        read += page
    assert read == recorded
    assert contacts(store, customer="C1", limit=10) == [one for one in recorded if one.customer == "C1"]
    assert contacts(store, customer="C\x001", limit=10) == []


def test_a_result_that_is_none_is_refused(store: Store) -> None:
    with pytest.raises(RowsRefusedError):
        record_contact(store, contact(result="perhaps"))
    assert contacts(store, limit=10) == []


def test_the_latest_contact_of_each_customer_is_found_and_those_of_one_the_latest_first(store: Store) -> None:
    recorded = [record_contact(store, contact(f"k{n}", customer=f"C{n % 3}"))[0] for n in range(7)]
    assert last_contact_of_each(store, ["C0", "C1", "none"]) == {"C0": recorded[6], "C1": recorded[4]}
    assert last_contact_of_each(store, []) == {}
    assert latest_contacts(store, "C0", limit=2) == [recorded[6], recorded[3]]
