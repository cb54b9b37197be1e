"""People sign in with a password that is kept as a slow hash, and their sessions end when they should."""

from __future__ import annotations

from datetime import timedelta

import pytest

from churn_mlops.errors import AccessError
from churn_mlops.store import Store
from churn_mlops.store.access.api_keys import hash_of
from churn_mlops.store.access.credentials import credentials
from churn_mlops.store.access.sessions import end_session, start_session
from churn_mlops.store.access.users import (
    add_user,
    change_password,
    disable_user,
    list_users,
    password_matches,
    password_of,
)
from churn_mlops.store.audit_log import audit_events
from tests.store.access.test_api_keys import NOW, at, everything

PASSWORD = "correct horse battery"
HOURS = timedelta(hours=10)


@pytest.fixture
def anna(store: Store) -> Store:
    add_user(store, "anna", PASSWORD, "agent", by="cli")
    return store


def test_a_password_is_matched_and_never_kept(anna: Store) -> None:
    person, kept = password_of(anna, "anna") or pytest.fail("nobody")
    assert (person.name, person.role) == ("anna", "agent")
    assert password_matches(kept, PASSWORD)
    assert not password_matches(kept, PASSWORD + "!")
    assert not password_matches(None, PASSWORD)
    assert password_of(anna, "anna\x00") is None
    assert kept.startswith("$argon2id$")
    assert PASSWORD not in everything(anna)


def test_a_session_lets_in_until_its_end_and_its_token_is_not_kept(anna: Store) -> None:
    session = start_session(anna, "anna", HOURS, **at(NOW))
    found = credentials(anna, **at(NOW)).by_hash[hash_of(session.token)]
    assert (found.caller, found.role, found.csrf_token) == ("person:anna", "agent", session.csrf_token)
    assert session.token not in everything(anna)
    assert credentials(anna, **at(NOW + HOURS - timedelta(seconds=1))).by_hash
    assert not credentials(anna, **at(NOW + HOURS)).by_hash


def test_signing_out_ends_one_session_and_leaves_the_other(anna: Store) -> None:
    first, second = (start_session(anna, "anna", HOURS) for _ in range(2))
    end_session(anna, hash_of(first.token))
    end_session(anna, hash_of(first.token))
    assert list(credentials(anna).by_hash) == [hash_of(second.token)]
    assert [event.event for event in audit_events(anna)].count("session.ended") == 1


def test_a_disabled_user_is_out_immediately_and_cannot_come_back(anna: Store) -> None:
    start_session(anna, "anna", HOURS)
    assert disable_user(anna, "anna", by="cli").disabled_at is not None
    assert not credentials(anna).by_hash
    assert password_of(anna, "anna") is None
    with pytest.raises(AccessError, match="'anna' may not sign in"):
        start_session(anna, "anna", HOURS)
    with pytest.raises(AccessError, match="no user of the name 'bert'"):
        disable_user(anna, "bert", by="cli")


def test_a_password_that_was_verified_before_it_was_replaced_begins_and_changes_nothing(anna: Store) -> None:
    _, verified = password_of(anna, "anna") or pytest.fail("no user")
    start_session(anna, "anna", HOURS, verified=verified)
    add_user(anna, "anna", "another long password", "admin", by="cli", replace=True)
    with pytest.raises(AccessError, match="'anna' may not sign in"):
        start_session(anna, "anna", HOURS, verified=verified)
    with pytest.raises(AccessError, match="no user of the name 'anna'"):
        change_password(anna, "anna", PASSWORD, verified=verified)
    assert not credentials(anna).by_hash
    _, kept = password_of(anna, "anna") or pytest.fail("no user")
    assert password_matches(kept, "another long password")


def test_another_password_ends_what_the_old_one_began(anna: Store) -> None:
    start_session(anna, "anna", HOURS)
    with pytest.raises(AccessError, match="a user of the name 'anna'"):
        add_user(anna, "anna", "another long password", "admin", by="cli")
    add_user(anna, "anna", "another long password", "admin", by="cli", replace=True)
    assert not credentials(anna).by_hash
    _, kept = password_of(anna, "anna") or pytest.fail("nobody")
    assert password_matches(kept, "another long password")
    assert [person.role for person in list_users(anna)] == ["admin"]
    assert [event.event for event in audit_events(anna)] == ["person.changed", "session.started", "person.added"]


def test_what_cannot_be_is_refused(store: Store) -> None:
    for password, role, message in (
        ("x" * 11, "agent", "has 11 characters"),
        ("x" * 1025, "agent", "1025"),
        (PASSWORD, "service", "no role of a person"),
    ):
        with pytest.raises(AccessError, match=message):
            add_user(store, "anna", password, role, by="cli")
    assert list_users(store) == []


def test_another_password_ends_every_session_but_the_one_that_is_kept(anna: Store) -> None:
    kept, other = (start_session(anna, "anna", HOURS) for _ in range(2))
    change_password(anna, "anna", PASSWORD + " staple", keep_session=hash_of(kept.token))
    assert list(credentials(anna).by_hash) == [hash_of(kept.token)]
    _, hashed = password_of(anna, "anna") or pytest.fail("no user")
    assert password_matches(hashed, PASSWORD + " staple")
    assert not password_matches(hashed, PASSWORD)
    change_password(anna, "anna", PASSWORD)
    assert credentials(anna).by_hash == {}
    assert other.token not in everything(anna)


def test_a_password_that_is_too_short_or_of_no_user_is_refused(anna: Store) -> None:
    disable_user(anna, "anna", by="cli")
    with pytest.raises(AccessError, match="12 to 1024"):
        change_password(anna, "anna", "short")
    for name in ("anna", "none"):
        with pytest.raises(AccessError, match="who may sign in"):
            change_password(anna, name, PASSWORD)
