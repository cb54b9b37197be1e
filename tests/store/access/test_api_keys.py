"""A key is shown once, let in while it is valid, and of it only the hash is kept; on both databases."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from churn_mlops.errors import AccessError
from churn_mlops.store import Store
from churn_mlops.store.access.api_keys import LOOKED_AT, adopt_key, hash_of, last_uses, list_keys, make_key, revoke_key
from churn_mlops.store.access.credentials import access_is_configured, credentials
from churn_mlops.store.audit_log import NewEvent, audit_events, record_events
from churn_mlops.store.database.schema import METADATA

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


def at(instant: datetime) -> dict[str, object]:
    return {"clock": lambda: instant}


def everything(store: Store) -> str:
    with store.reading("look") as connection:
        return repr([connection.execute(select(table)).all() for table in METADATA.sorted_tables])


def test_a_key_is_random_known_by_its_prefix_and_kept_as_a_hash_only(store: Store) -> None:
    (first, kept), (second, _) = (make_key(store, name, "service", by="cli") for name in ("crm", "crm-2"))
    assert first.startswith("churn_")
    assert len(first) >= 49  # 43 characters of 6 bits hold 256
    assert first != second
    found = credentials(store).by_hash[hash_of(first)]
    assert (found.caller, found.role, kept.id) == ("key:crm", "service", list_keys(store)[0].id)
    assert first not in everything(store)
    assert first.removeprefix("churn_") not in everything(store)


def test_a_key_expires_at_its_time_and_not_before(store: Store) -> None:
    secret, kept = make_key(store, "crm", "agent", by="cli", expires_at=NOW, **at(NOW - timedelta(days=1)))
    last = NOW - timedelta(microseconds=1)
    assert hash_of(secret) in credentials(store, **at(last)).by_hash
    assert kept.is_valid(last)
    assert not credentials(store, **at(NOW)).by_hash
    assert not kept.is_valid(NOW)


def test_a_revoked_key_lets_no_one_in_and_the_store_stays_closed(store: Store) -> None:
    assert not access_is_configured(store)
    secret, kept = make_key(store, "crm", "admin", by="cli")
    first = revoke_key(store, kept.id, by="cli", **at(NOW))
    again = revoke_key(store, kept.id, by="cli", **at(NOW + timedelta(days=1)))
    assert first.revoked_at == again.revoked_at == NOW
    assert hash_of(secret) not in credentials(store).by_hash
    assert credentials(store).configured
    assert access_is_configured(store)
    assert [(event.caller, event.event) for event in audit_events(store)] == [
        ("cli", "key.revoked"),
        ("cli", "key.created"),
    ]


def test_two_valid_keys_have_two_names_so_that_the_audit_log_can_distinguish_them(store: Store) -> None:
    _, kept = make_key(store, "crm", "agent", by="cli")
    with pytest.raises(AccessError, match="a valid key has the name 'crm'"):
        make_key(store, "crm", "agent", by="cli")
    revoke_key(store, kept.id, by="cli")
    make_key(store, "crm", "agent", by="cli")


def test_a_name_is_plain(store: Store) -> None:
    for name in ("", "a b", "-a", "a\n", "x" * 65, "é", "a:b"):
        with pytest.raises(AccessError, match="is no name"):
            make_key(store, name, "agent", by="cli")
    assert list_keys(store) == []


def test_an_unknown_role_and_an_unknown_key_are_named(store: Store) -> None:
    with pytest.raises(AccessError, match="'root' is no role of a key: one of agent, analyst, admin, service"):
        make_key(store, "crm", "root", by="cli")
    with pytest.raises(AccessError, match="no key 'abc': `churn keys list`"):
        revoke_key(store, "abc", by="cli")


def test_the_admin_key_of_a_file_is_taken_in_once_and_stays_revoked(store: Store) -> None:
    secret = "churn_" + "7f" * 32
    for _ in range(2):
        adopt_key(store, secret, "file", by="serve")
    (kept,) = list_keys(store)
    assert (kept.role, credentials(store).by_hash[hash_of(secret)].role) == ("admin", "admin")
    revoke_key(store, kept.id, by="cli")
    adopt_key(store, secret, "file", by="serve")
    assert not credentials(store).by_hash
    with pytest.raises(AccessError, match="is no key: 32 to 512"):
        adopt_key(store, "short", "file", by="serve")


def test_the_last_use_of_a_key_is_that_of_the_newest_events(store: Store) -> None:
    used = [(NOW, "key:crm"), (NOW + timedelta(hours=1), "key:crm"), (NOW, "person:anna"), (NOW, "key:bi")]
    record_events(store, [NewEvent(time, caller, "list.read") for time, caller in used])
    assert last_uses(store) == {"crm": NOW + timedelta(hours=1), "bi": NOW}
    record_events(store, [NewEvent(NOW, "person:anna", "list.read") for _ in range(LOOKED_AT)])
    assert last_uses(store) == {}  # a look goes back so far, and no further
