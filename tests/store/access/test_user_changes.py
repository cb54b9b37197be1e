"""An administrator changes users: their sessions end with it, it is noted, and one administrator always remains."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial

import pytest

from churn_mlops.errors import AccessError
from churn_mlops.store import Store, open_store
from churn_mlops.store.access.credentials import credentials
from churn_mlops.store.access.sessions import end_sessions, open_sessions, start_session
from churn_mlops.store.access.user_changes import (
    change_role,
    enable_user,
    made_password,
    reset_password,
    seen_users,
)
from churn_mlops.store.access.users import (
    SHORTEST_PASSWORD,
    add_user,
    add_vouched_user,
    disable_user,
    list_users,
    password_matches,
    password_of,
)
from churn_mlops.store.audit_log import audit_events
from tests.store.access.test_api_keys import NOW, at

PASSWORD = "correct horse battery"
HOURS = timedelta(hours=10)


@pytest.fixture
def staffed(store: Store) -> Store:
    """With the administrator root, the agent anna, and carl who comes from the identity provider."""
    add_user(store, "root", PASSWORD, "admin", by="cli")
    add_user(store, "anna", PASSWORD, "agent", by="cli")
    add_vouched_user(store, "carl", "analyst", by="oidc")
    return store


def last_event(store: Store) -> tuple[str, str, object]:
    one = audit_events(store, limit=1)[0]
    return one.caller, one.event, one.details


def test_users_are_seen_with_their_way_in_and_their_sessions(staffed: Store) -> None:
    start_session(staffed, "anna", HOURS, **at(NOW - 2 * HOURS))
    start_session(staffed, "anna", HOURS, **at(NOW))
    found = {one.user.name: one for one in seen_users(staffed, **at(NOW))}
    assert list(found) == ["anna", "carl", "root"]
    assert (found["anna"].has_password, found["anna"].last_session, found["anna"].sessions) == (True, NOW, 1)
    assert (found["carl"].has_password, found["carl"].last_session, found["carl"].sessions) == (False, None, 0)
    assert seen_users(staffed, "anna", **at(NOW)) == [found["anna"]]
    assert seen_users(staffed, "none") == []


def test_another_role_ends_the_sessions_and_is_noted(staffed: Store) -> None:
    start_session(staffed, "anna", HOURS)
    assert change_role(staffed, "anna", "analyst", by="person:root").role == "analyst"
    assert credentials(staffed).by_hash == {}
    assert last_event(staffed) == ("person:root", "person.changed", {"name": "anna", "role": "analyst"})
    start_session(staffed, "anna", HOURS)
    change_role(staffed, "anna", "analyst", by="person:root")  # the same role changes nothing
    assert len(credentials(staffed).by_hash) == 1


def test_another_role_at_the_identity_provider_ends_the_sessions_too(staffed: Store) -> None:
    start_session(staffed, "carl", HOURS)
    add_vouched_user(staffed, "carl", "agent", by="oidc")
    assert credentials(staffed).by_hash == {}


def test_a_user_who_is_enabled_again_signs_in_as_before(staffed: Store) -> None:
    disable_user(staffed, "anna", by="person:root")
    assert enable_user(staffed, "anna", by="person:root").disabled_at is None
    assert last_event(staffed) == ("person:root", "person.enabled", {"name": "anna"})
    _, kept = password_of(staffed, "anna") or pytest.fail("no user")
    assert password_matches(kept, PASSWORD)
    enable_user(staffed, "anna", by="person:root")
    assert [one.event for one in audit_events(staffed)].count("person.enabled") == 1


def test_a_reset_password_replaces_the_old_one_and_ends_the_sessions(staffed: Store) -> None:
    start_session(staffed, "anna", HOURS)
    made = made_password()
    reset_password(staffed, "anna", made, by="person:root")
    _, kept = password_of(staffed, "anna") or pytest.fail("no user")
    assert password_matches(kept, made)
    assert not password_matches(kept, PASSWORD)
    assert credentials(staffed).by_hash == {}
    assert last_event(staffed) == ("person:root", "person.changed", {"name": "anna", "changed": "password"})


def test_a_made_password_is_long_random_and_easy_to_read_out() -> None:
    made = {made_password() for _ in range(100)}
    assert len(made) == 100
    assert all(re.fullmatch(r"[a-km-np-z2-9]{5}(-[a-km-np-z2-9]{5}){3}", one) for one in made)
    assert all(len(one) > SHORTEST_PASSWORD for one in made)


def test_the_identity_provider_decides_about_its_users(staffed: Store) -> None:
    with pytest.raises(AccessError, match="their groups at the company decide their role, since carl signs in"):
        change_role(staffed, "carl", "admin", by="person:root")
    with pytest.raises(AccessError, match="no password lets them in"):
        reset_password(staffed, "carl", made_password(), by="person:root")
    assert [one.role for one in list_users(staffed)] == ["agent", "analyst", "admin"]


def test_sessions_are_ended_but_the_one_that_is_kept(staffed: Store) -> None:
    for hour in range(3):
        start_session(staffed, "anna", HOURS, **at(NOW + timedelta(hours=hour)))
    later = NOW + timedelta(hours=3)
    newest = open_sessions(staffed, "anna", **at(later))[0]
    assert newest.created_at == NOW + timedelta(hours=2)
    assert end_sessions(staffed, "anna", by="person:anna", keep=newest.sha256, **at(later)) == 2
    assert open_sessions(staffed, "anna", **at(later)) == [newest]
    assert last_event(staffed) == ("person:anna", "session.ended", {"name": "anna", "sessions": 2})
    assert end_sessions(staffed, "carl", by="person:root") == 0
    assert [one.event for one in audit_events(staffed)].count("session.ended") == 1


def test_the_last_administrator_stays_whatever_is_tried(staffed: Store) -> None:
    with pytest.raises(AccessError, match="no other administrator may sign in: make one before you change root"):
        change_role(staffed, "root", "agent", by="key:ops")
    with pytest.raises(AccessError, match="no other administrator may sign in: make one before you change root"):
        disable_user(staffed, "root", by="key:ops", keep_an_admin=True)
    add_user(staffed, "bert", PASSWORD, "admin", by="cli")
    disable_user(staffed, "bert", by="person:root", keep_an_admin=True)
    with pytest.raises(
        AccessError, match="no other administrator may sign in: make one before you change root"
    ):  # a disabled one does not count
        change_role(staffed, "root", "agent", by="key:ops")
    assert disable_user(staffed, "root", by="cli:root").disabled_at is not None  # who has the machine may


def test_two_administrators_who_end_each_other_leave_one(staffed: Store) -> None:
    add_user(staffed, "bert", PASSWORD, "admin", by="cli")

    def tried(name: str, by: str) -> bool:
        with open_store(staffed.address) as own:
            act = partial(change_role, role="agent") if name == "bert" else partial(disable_user, keep_an_admin=True)
            try:
                act(own, name, by=f"person:{by}")
            except AccessError:
                return False
            return True

    with ThreadPoolExecutor(2) as threads:
        done = list(threads.map(tried, ("root", "bert"), ("bert", "root")))
    assert sorted(done) == [False, True]
    able = [one.name for one in list_users(staffed) if one.role == "admin" and one.disabled_at is None]
    assert len(able) == 1


def test_what_is_not_there_is_refused(staffed: Store) -> None:
    for change in (enable_user, partial(change_role, role="agent"), partial(reset_password, password=PASSWORD)):
        with pytest.raises(AccessError, match="no user of the name 'none'"):
            change(staffed, "none", by="cli")
    with pytest.raises(AccessError, match="no role of a person"):
        change_role(staffed, "anna", "service", by="cli")
    with pytest.raises(AccessError, match="12 to 1024"):
        reset_password(staffed, "anna", "short", by="cli")
