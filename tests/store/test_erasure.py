"""An erased customer is in no table and no byte of the store; totals and their hash stay, which suppresses them."""

from __future__ import annotations

import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import event, func, select

from churn_mlops.errors import ConfigError, CustomerErasedError, StoreError
from churn_mlops.keyed_hash import customer_hash
from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.contacts import ContactRules, contacts, record_contact
from churn_mlops.store.database.schema import METADATA
from churn_mlops.store.database.vacuum import TOUCHED, vacuum
from churn_mlops.store.erasure import HELD, forget, reapply_erasures
from churn_mlops.store.prediction_log import records_of, write_records
from churn_mlops.store.scoring.predictions import predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import latest_run, run_of
from churn_mlops.store.suppression.tombstones import (
    Tombstone,
    all_tombstones,
    is_erased,
    mark_of,
    tombstones,
)
from tests.find_customer_bytes import in_tables
from tests.store.builders import DAY, NEXT, NOW, batch, run
from tests.store.planted_customer import BY, KEY, NAME, NAMED, NAMELESS, OF_OTHER, OTHER, STARS, answer, contact, plant

RULES = ContactRules(DAY, DAY, KEY)


def counted(store: Store) -> dict[str, int]:
    with store.reading("count") as connection:
        return {
            table.name: connection.scalar(select(func.count()).select_from(table)) or 0
            for table in METADATA.sorted_tables
        }


def test_every_table_that_names_customers_is_covered() -> None:
    assert {table for table in METADATA.sorted_tables if "customer" in table.c} == set(HELD)
    assert {table.name for table in HELD} <= set(TOUCHED)


def test_nothing_of_the_customer_is_left_in_any_table_and_no_other_customer_is_touched(store: Store) -> None:
    plant(store)
    assert len(in_tables(store, NAME)) >= 6
    before, runs = counted(store), [run_of(store, day) for day in (DAY, NEXT)]
    erasure = forget(store, KEY, NAME, by=BY, clock=lambda: NOW)
    assert vacuum(store).whole
    assert in_tables(store, NAME) == []
    assert erasure.removed == {
        "predictions": 2, "outcomes": 1, "outcome_changes": 1, "answers": 2, "contacts": 2, "warnings": 2,
        "assignments": 1, "do_not_contact": 1, "list_work": 1, "customer_notes": 1,
    }  # fmt: skip
    after = counted(store)
    gone = {table: before[table] - after[table] for table in before if before[table] != after[table]}
    assert gone == {
        "predictions": 2, "outcomes": 1, "outcome_changes": 1, "answers": 2, "audit_events": -1, "erasures": -1,
        "assignments": 1, "do_not_contact": 1, "list_work": 1, "customer_notes": 1,
    }  # fmt: skip
    kept = [replace(run, warnings=()) for run in (run_of(store, day) for day in (DAY, NEXT)) if run is not None]
    assert kept == [replace(run, warnings=()) for run in runs if run is not None]
    assert [one.customer for one in predictions(store, DAY)] == ["C000002", OTHER]
    assert records_of(store, OF_OTHER) == [answer(OF_OTHER, OTHER)]


def test_the_totals_of_contacts_stay_and_the_rule_of_a_warning_that_quoted_the_customer(store: Store) -> None:
    plant(store)
    before = contacts(store, limit=10)
    forget(store, KEY, NAME, by=BY)
    after = contacts(store, limit=10)
    assert [(one.at, one.result, one.caller, one.recorded_at) for one in after] == [
        (one.at, one.result, one.caller, one.recorded_at) for one in before
    ]
    assert [one.offer for one in after] == ["20 % off", "an offer", "20 % off"]
    assert after[2] == before[2]
    assert [(one.customer, one.request_sha256, one.prediction_id, one.override_reason) for one in after[:2]] == [
        ("", "", None, None)
    ] * 2
    assert len({one.key for one in after}) == 3
    found = latest_run(store)
    assert found is not None
    assert found.warnings == (
        "warning: payment_method: unknown level: 1 row; its example was erased",
        f"warning: payment_method: unknown level: 1 row (first: {OTHER}, 'dove'); correct it",
    )


@pytest.mark.parametrize(
    ("customer", "offer", "stays"),
    [("20", "20 % off for a year", True), ("1", "1 month free", True), ("2026", "free until 2026", True),
     ("10000", "for 10000, a rebate", False), ("10000", "110000 miles", True), ("12-34", "rebate (12-34)", False),
     ("C7", "x", True), ("C7", "C70 and DC7 get more", True), ("C7", "a rebate for c7.", False),
     ("C7", "for_C7_alone", False), ("C7", "for C70, and C7", False), ("A.7", "AB7", True), ("Ω", "to ω", False),
     ("Straße", "An STRASSE 1", False)],
)  # fmt: skip
def test_an_offer_is_removed_only_where_it_names_the_customer_as_a_word(
    tmp_path: Path, customer: str, offer: str, stays: bool
) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        record_contact(store, contact("call-1", customer=customer, offer=offer))
        forget(store, KEY, customer, by=BY)
        (left,) = contacts(store, limit=10)
    assert (left.customer, left.offer) == ("", offer if stays else "an offer")


def test_the_audit_log_and_the_tombstone_keep_the_hash_alone(store: Store) -> None:
    plant(store)
    forget(store, KEY, NAME, by=BY, clock=lambda: NOW)
    event, _ = audit_events(store)  # before it, the campaign was made
    hash = customer_hash(KEY, NAME)
    assert (event.event, event.caller, event.customer_hash, event.at) == ("customer.forgotten", BY, hash, NOW)
    assert event.details["removed"]["predictions"] == 2
    assert all_tombstones(store) == [Tombstone(hash, mark_of(KEY), NOW)]
    assert tombstones(store, KEY).among([OTHER, NAME, None]) == {NAME}
    assert is_erased(store, KEY, NAME)
    assert not is_erased(store, KEY, OTHER)


def test_an_erasure_may_be_repeated_and_may_name_an_unknown_customer(store: Store) -> None:
    first = forget(store, KEY, "nobody", by=BY, clock=lambda: NOW)
    assert (first.found, first.before) == (False, None)
    publish(store, run(), [batch(["nobody", OTHER], [0.9, 0.3])])  # by a program that knows of no tombstones
    later = NOW + timedelta(days=3)
    again = forget(store, KEY, "nobody", by=BY, clock=lambda: later)
    assert (again.before, again.at, again.removed["predictions"]) == (NOW, later, 1)
    assert [one.at for one in all_tombstones(store)] == [NOW]
    assert [event.details["again"] for event in audit_events(store)] == [True, False]


@pytest.mark.parametrize("name", ["", "a\x00b"])
def test_an_invalid_customer_id_is_refused(store: Store, name: str) -> None:
    with pytest.raises(StoreError, match="no customer was erased"):
        forget(store, KEY, name, by=BY)
    assert all_tombstones(store) == []


def test_a_customer_stays_where_the_tombstone_cannot_be_written(store: Store) -> None:
    plant(store)

    def full(stone: Tombstone) -> None:
        raise StoreError("the tombstone cannot be written")

    before = in_tables(store, NAME)
    with pytest.raises(StoreError, match="cannot be written"):
        forget(store, KEY, NAME, by=BY, before_commit=full)
    assert in_tables(store, NAME) == before
    assert all_tombstones(store) == []


def test_nothing_about_an_erased_customer_is_stored_again(store: Store) -> None:
    forget(store, KEY, NAME, by=BY)
    left_out = write_records(store, [answer(NAMED, NAME), answer(OF_OTHER, OTHER)], hash_key=KEY)
    assert (left_out, records_of(store, NAMED)) == (1, [])
    assert write_records(store, [answer(NAMED, NAME)], hash_key=KEY) == 1
    assert len(records_of(store, OF_OTHER)) == 1
    with pytest.raises(CustomerErasedError):
        record_contact(store, contact("call-1"), RULES)
    record_contact(store, contact("call-1", customer=OTHER), RULES)
    assert [one.customer for one in contacts(store, limit=10)] == [OTHER]


def test_another_hash_key_is_detected(store: Store) -> None:
    forget(store, KEY, NAME, by=BY)
    with pytest.raises(ConfigError, match="1 of 1 customers were erased"):
        tombstones(store, "another key")
    with pytest.raises(ConfigError):
        is_erased(store, "another key", OTHER)
    with pytest.raises(ConfigError):
        record_contact(store, contact("call-1", customer=OTHER), replace(RULES, hash_key="another key"))
    assert contacts(store, limit=10) == []
    assert write_records(store, [answer(NAMELESS, None), answer(OF_OTHER, OTHER)], hash_key="another key") == 1
    assert [len(records_of(store, id)) for id in (NAMELESS, OF_OTHER)] == [1, 0]


def test_restored_customers_are_found_by_their_hashes(store: Store) -> None:
    plant(store)
    stones = [Tombstone(customer_hash(KEY, name), mark_of(KEY), STARS) for name in (NAME, "long gone")]
    back = reapply_erasures(store, KEY, stones, by=BY)
    assert list(back) == [NAME]
    assert back[NAME].removed["predictions"] == 2
    assert vacuum(store).whole
    assert in_tables(store, NAME) == []
    assert {(one.hash, one.at) for one in all_tombstones(store)} == {(one.hash, STARS) for one in stones}
    assert reapply_erasures(store, KEY, stones, by=BY) == {}


def test_an_erasure_between_two_writers_is_never_partial(address: str) -> None:
    """A group of answers waits for its turn while a customer is forgotten: what it says of them is left out."""
    open_store(address).close()
    with open_store(address) as forgetting, open_store(address) as keeping:
        plant(forgetting)
        begun, kept = threading.Event(), []

        def keep() -> None:
            begun.set()
            kept.append(write_records(keeping, [answer("e" * 32, NAME), answer("f" * 32, OTHER)], hash_key=KEY))

        thread = threading.Thread(target=keep)

        def let_it_wait(stone: Tombstone) -> None:
            thread.start()
            assert begun.wait(30)

        forget(forgetting, KEY, NAME, by=BY, before_commit=let_it_wait)
        thread.join(30)
        assert kept == [1]
        assert vacuum(forgetting).whole
        assert in_tables(forgetting, NAME) == []
        assert len(records_of(forgetting, "f" * 32)) == 1


def test_an_erasure_scans_no_table(tmp_path: Path) -> None:
    with open_store(f"sqlite:///{tmp_path}/churn.db") as store:
        plant(store)
        statements: list[str] = []
        event.listen(store.engine, "before_cursor_execute", lambda *given: statements.append((given[2], given[3])))
        forget(store, KEY, NAME, by=BY)
    with closing(sqlite3.connect(tmp_path / "churn.db")) as connection:
        for words, values in statements:
            if words.startswith("DELETE"):
                plan = [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {words}", values)]
                assert not [step for step in plan if step.startswith("SCAN")], (words, plan)
