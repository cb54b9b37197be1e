"""API keys are created and revoked here: shown once, and only the hash of a key is kept.

``serving/access/api_key_check.py`` checks the key of a request.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, func, insert, or_, select, update

from churn_mlops.errors import AccessError
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import ANSWERS, API_KEYS, AUDIT_EVENTS

PREFIX = "churn_"
"""How every key begins, so that scanners for secrets find one that was left in a file."""
KEY_ROLES = ("agent", "analyst", "admin", "service")
LOOKED_AT = 5000
_RANDOM_BYTES = 32
_SHORTEST = 32
_ID = re.compile(r"[0-9a-f]{8}", re.ASCII)
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,63}", re.ASCII)


@dataclass(frozen=True)
class ApiKey:
    """An API key without its secret.

    Args:
        id: eight hexadecimal digits, by which it is revoked.
        name: what it is for; no two keys that are valid have the same.
        role: what it may.
        created_at: when it was made; in UTC, as are all times.
        created_by: who made it.
        expires_at: from when on it is refused, None for never.
        revoked_at: when it was revoked, None while it is not.
    """

    id: str
    name: str
    role: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None
    revoked_at: datetime | None

    def is_valid(self, at: datetime) -> bool:
        """Whether it is valid at the time ``at``."""
        return self.revoked_at is None and (self.expires_at is None or at < self.expires_at)


def hash_of(secret: str) -> str:
    """SHA-256 of a key or a session's token, in hexadecimal: 256 random bits need no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def checked_name(name: str) -> str:
    """``name``, if it can be that of a key or a person: it stands in the audit log.

    Raises:
        AccessError: it cannot.
    """
    if not _NAME.fullmatch(name):
        raise AccessError(f"{name!r} is no name: 1 to 64 letters, digits, dots, @, _ and -, a letter or digit first")
    return name


def make_key(
    store: Store, name: str, role: str, *, by: str, expires_at: datetime | None = None, clock: Clock = utc_now
) -> tuple[str, ApiKey]:
    """Make a key, and say so in the audit log.

    Args:
        store: the store.
        name: what it is for.
        role: one of ``KEY_ROLES``.
        by: who makes it.
        expires_at: from when on it is refused, None for never.
        clock: returns the present time.

    Returns:
        The key itself, which is kept nowhere, and what is kept of it.

    Raises:
        AccessError: there is no such role, or a valid key has this name.
        StoreError: the store fails.
    """
    secret = PREFIX + secrets.token_urlsafe(_RANDOM_BYTES)
    with store.writing(f"make the key {name!r}") as connection:
        return secret, _add(connection, secret, name, role, by, expires_at, clock())


def adopt_key(store: Store, secret: str, name: str, *, by: str, clock: Clock = utc_now) -> None:
    """Take the admin key of a secret file into the store, unless it stands there; one that was revoked stays revoked.

    Raises:
        AccessError: it is too short, or a valid key has this name.
        StoreError: the store fails.
    """
    checked_secret(secret)
    with store.writing("take in the admin key") as connection:
        found = select(API_KEYS.c.id).where(API_KEYS.c.sha256 == hash_of(secret))
        if connection.execute(found).one_or_none() is None:
            _add(connection, secret, f"{name}-{hash_of(secret)[:8]}", "admin", by, None, clock())


def checked_secret(secret: str) -> str:
    """``secret``, if a person may have made it as a key.

    Raises:
        AccessError: it is too short, or has blanks or other signs in it that no header may hold.
    """
    if not re.fullmatch(rf"[A-Za-z0-9._~+/=-]{{{_SHORTEST},512}}", secret, re.ASCII):
        raise AccessError(
            f"the admin key is no key: {_SHORTEST} to 512 letters, digits and signs of ._~+/=-; make one with "
            "`echo churn_$(openssl rand -hex 32)`"
        )
    return secret


def list_keys(store: Store) -> list[ApiKey]:
    """All keys, the oldest first, those that are no longer valid too.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read the keys") as connection:
        rows = connection.execute(select(API_KEYS).order_by(API_KEYS.c.created_at, API_KEYS.c.id)).all()
    return [_key_from(row._mapping) for row in rows]


def last_uses(store: Store) -> dict[str, datetime]:
    """When each key was last seen, by its name, as far as the newest ``LOOKED_AT`` events and answers know.

    A look is bounded, because no index leads from a key to what it did.

    Raises:
        StoreError: the store fails.
    """
    events = select(AUDIT_EVENTS.c.caller, AUDIT_EVENTS.c.at).order_by(AUDIT_EVENTS.c.id.desc()).limit(LOOKED_AT)
    answers = select(ANSWERS.c.caller, ANSWERS.c.at).order_by(ANSWERS.c.at.desc()).limit(LOOKED_AT)
    found: dict[str, datetime] = {}
    with store.reading("read when keys were used") as connection:
        for query in (events, answers):
            newest = query.subquery()
            grouped = select(newest.c.caller, func.max(newest.c.at)).group_by(newest.c.caller)
            for caller, at in connection.execute(grouped):
                found[caller] = max(at, found.get(caller, at))
    return {caller.removeprefix("key:"): at for caller, at in found.items() if caller.startswith("key:")}


def revoke_key(store: Store, key_id: str, *, by: str, clock: Clock = utc_now) -> ApiKey:
    """Revoke a key; one that is revoked already stays as it is.

    Raises:
        AccessError: there is no such key.
        StoreError: the store fails.
    """
    this = API_KEYS.c.id == key_id
    with store.writing("revoke a key") as connection:
        # PostgreSQL refuses a text with a zero character, which no id has.
        if not _ID.fullmatch(key_id) or connection.execute(select(API_KEYS.c.id).where(this)).one_or_none() is None:
            raise AccessError(f"there is no key {key_id!r}: `churn keys list` shows the ids")
        now = clock()
        done = connection.execute(update(API_KEYS).where(this, API_KEYS.c.revoked_at.is_(None)).values(revoked_at=now))
        revoked = _key_from(connection.execute(select(API_KEYS).where(this)).one()._mapping)
        if done.rowcount:
            add_event(connection, now, by, "key.revoked", details={"key": key_id, "name": revoked.name})
    return revoked


def _add(
    connection: Connection, secret: str, name: str, role: str, by: str, expires_at: datetime | None, now: datetime
) -> ApiKey:
    checked_name(name)
    if role not in KEY_ROLES:
        raise AccessError(f"{role!r} is no role of a key: one of {', '.join(KEY_ROLES)}")
    valid = (API_KEYS.c.revoked_at.is_(None), or_(API_KEYS.c.expires_at.is_(None), API_KEYS.c.expires_at > now))
    if connection.execute(select(API_KEYS.c.id).where(API_KEYS.c.name == name, *valid)).first():
        raise AccessError(
            f"a valid key has the name {name!r}: take another, so that the audit log can distinguish them"
        )
    key = ApiKey(secrets.token_hex(4), name, role, now, by, expires_at, None)
    connection.execute(insert(API_KEYS).values(**vars(key), sha256=hash_of(secret)))
    expiry = None if expires_at is None else expires_at.isoformat()
    add_event(
        connection, now, by, "key.created", details={"key": key.id, "name": name, "role": role, "expires": expiry}
    )
    return key


def _key_from(row: Mapping[Any, Any]) -> ApiKey:
    return ApiKey(**{name: value for name, value in row.items() if name != "sha256"})
