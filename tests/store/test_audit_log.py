"""The audit log shows principal and event, and the customer by keyed hash alone, page by page."""

from __future__ import annotations

from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store import Store
from churn_mlops.store.audit_log import audit_events, record_event
from tests.store.access.test_api_keys import NOW, everything


def test_events_come_back_newest_first_page_by_page(store: Store) -> None:
    for number in range(5):
        record_event(store, "key:crm", "customer.read", details={"number": number}, clock=lambda: NOW)
    first = audit_events(store, limit=2)
    second = audit_events(store, limit=10, before=first[-1].id)
    assert [event.details["number"] for event in [*first, *second]] == [4, 3, 2, 1, 0]
    assert {(event.at, event.caller, event.event) for event in second} == {(NOW, "key:crm", "customer.read")}


def test_a_customer_is_found_by_hash_and_their_id_stands_nowhere(store: Store) -> None:
    for customer in ("C017", "C004"):
        record_event(store, "person:anna", "customer.read", customer_hash=customer_hash("a secret", customer))
    (found,) = audit_events(store, about=customer_hash("a secret", "C017"))
    assert found.customer_hash == customer_hash("a secret", "C017")
    assert audit_events(store, about=customer_hash("another secret", "C017")) == []
    assert "C017" not in everything(store)


def test_events_of_a_caller_or_of_a_name_are_found(store: Store) -> None:
    for caller, event in (("key:crm", "customer.read"), ("key:crm", "contacts.read"), ("cli:root", "contacts.read")):
        record_event(store, caller, event)
    assert [one.event for one in audit_events(store, caller="key:crm")] == ["contacts.read", "customer.read"]
    assert [one.caller for one in audit_events(store, event="contacts.read")] == ["cli:root", "key:crm"]
    assert len(audit_events(store, caller="key:crm", event="contacts.read")) == 1
