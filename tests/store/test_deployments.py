"""Which model was live when: one champion at a time, whoever writes, and bundles that are what their hash says."""

from __future__ import annotations

import hashlib
import threading
from datetime import timedelta

import pytest
from sqlalchemy import update

from churn_mlops.errors import BundleError
from churn_mlops.store import Store, open_store
from churn_mlops.store.audit_log import events
from churn_mlops.store.database.schema import BUNDLES
from churn_mlops.store.deployments import (
    LiveChangedError,
    StoredBundle,
    StoredPeriod,
    add_live,
    current_period,
    stored_bundle,
    stored_periods,
)
from tests.store.builders import NOW


def bundle(name: str) -> StoredBundle:
    body = name.encode()
    return StoredBundle(hashlib.sha256(body).hexdigest(), b"{header}\n" + body + b"\n", {"of": name})


def period(name: str, minutes: int, **fields: bool) -> StoredPeriod:
    sha256 = bundle(name).sha256
    return StoredPeriod(name, sha256, "logistic_regression", NOW + timedelta(minutes=minutes), f"why {name}", **fields)


def go_live(store: Store, *periods: StoredPeriod) -> None:
    add_live(store, periods, [bundle(one.version) for one in periods], after=current_period(store))


def test_nothing_is_live_in_a_new_store(store: Store) -> None:
    assert current_period(store) is None
    assert stored_periods(store) == []
    with pytest.raises(BundleError, match="holds no model bundle"):
        stored_bundle(store, "0" * 64)


def test_the_last_period_is_the_champions_and_ends_the_one_before(store: Store) -> None:
    go_live(store, period("1", 0))
    go_live(store, period("2", 5))
    go_live(store, period("1", 9, rollback=True))
    found = stored_periods(store)
    assert [(one.version, one.rollback) for one in found] == [("1", False), ("2", False), ("1", True)]
    assert [one.until for one in found] == [found[1].since, found[2].since, None]
    assert current_period(store) == found[-1]
    assert StoredPeriod.from_texts(**found[0].texts()) == found[0]


def test_who_changed_what_is_live_stands_in_the_trail(store: Store) -> None:
    go_live(store, period("1", 0))
    after = current_period(store)
    for _ in range(2):  # what is there already is no change
        add_live(store, [period("2", 5, rollback=True)], [bundle("2")], after=after, by="cli:anna")
        after = current_period(store)
    noted = events(store, event="champion.changed")
    assert [(one.caller, one.details) for one in noted] == [
        ("cli:anna", {"version": "2", "rollback": True, "reason": "why 2"}),
        ("churn", {"version": "1", "rollback": False, "reason": "why 1"}),
    ]


def test_what_is_there_already_is_not_added_twice(store: Store) -> None:
    for _ in range(2):
        go_live(store, period("1", 0), period("2", 5))
    assert [one.version for one in stored_periods(store)] == ["1", "2"]


def test_a_period_of_a_machine_that_was_cut_off_comes_to_its_place(store: Store) -> None:
    go_live(store, period("1", 0), period("3", 9))
    go_live(store, period("2", 5))
    found = stored_periods(store)
    assert [one.version for one in found] == ["1", "2", "3"]
    assert [one.until for one in found] == [found[1].since, found[2].since, None]


def test_who_does_not_know_the_last_period_adds_nothing(store: Store) -> None:
    go_live(store, period("1", 0))
    with pytest.raises(LiveChangedError, match="look again"):
        add_live(store, [period("2", 5)], [bundle("2")], after=None)
    assert [one.version for one in stored_periods(store)] == ["1"]


def test_of_many_who_are_first_only_one_is(store: Store) -> None:
    together, refused = threading.Barrier(6), []

    def one_of_them(number: int) -> None:
        with open_store(store.address) as own:
            together.wait()
            try:
                add_live(own, [period(str(number), number)], [bundle(str(number))], after=None)
            except LiveChangedError:
                refused.append(number)

    threads = [threading.Thread(target=one_of_them, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 5
    assert len(stored_periods(store)) == 1


def test_a_bundle_comes_back_as_it_was(store: Store) -> None:
    go_live(store, period("1", 0))
    assert stored_bundle(store, bundle("1").sha256) == bundle("1")


def test_a_bundle_that_was_altered_is_neither_kept_nor_given_out(store: Store) -> None:
    good = bundle("1")
    altered = StoredBundle(good.sha256, good.content + b"x", {})
    with pytest.raises(BundleError, match="truncated or was altered"):
        add_live(store, [period("1", 0)], [altered], after=None)
    assert stored_periods(store) == []
    go_live(store, period("1", 0))
    with store.writing("damage a bundle") as connection:
        connection.execute(update(BUNDLES).values(content=altered.content))
    with pytest.raises(BundleError, match="was altered in the store"):
        stored_bundle(store, good.sha256)
    add_live(store, [], [good], after=current_period(store))  # to promote it again heals it
    assert stored_bundle(store, good.sha256) == good
