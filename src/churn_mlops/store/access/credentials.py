"""Credentials: all API keys and sessions that are valid at a time, as a server holds them in memory."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import Connection, exists, or_, select

from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import API_KEYS, PEOPLE, SESSIONS


@dataclass(frozen=True)
class Credential:
    """A valid key or session.

    Args:
        sha256: of the key or of the session's token, in hexadecimal.
        caller: such as ``key:crm`` or ``person:anna``.
        role: what it may.
        expires_at: from when on it is refused, None for never.
        csrf_token: of a session, None of a key.
    """

    sha256: str
    caller: str
    role: str
    expires_at: datetime | None
    csrf_token: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Credentials:
    """All valid keys and sessions.

    Args:
        by_hash: each by its hash.
        configured: whether a key or a user was ever added; until then, no request is authenticated.
    """

    by_hash: Mapping[str, Credential]
    configured: bool


def credentials(store: Store, *, clock: Clock = utc_now) -> Credentials:
    """All keys and sessions that are valid now.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read who is let in") as connection:
        now = clock()
        found = [*_keys(connection, now), *_sessions(connection, now)]
        configured = bool(found) or _ever_configured(connection)
    return Credentials({one.sha256: one for one in found}, configured)


def access_is_configured(store: Store) -> bool:
    """Whether there is, or ever was, a key or a person.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read whether there are keys") as connection:
        return _ever_configured(connection)


def _keys(connection: Connection, now: datetime) -> list[Credential]:
    columns = (API_KEYS.c.sha256, API_KEYS.c.name, API_KEYS.c.role, API_KEYS.c.expires_at)
    valid = (API_KEYS.c.revoked_at.is_(None), or_(API_KEYS.c.expires_at.is_(None), API_KEYS.c.expires_at > now))
    rows = connection.execute(select(*columns).where(*valid)).all()
    return [Credential(sha256, f"key:{name}", role, expires) for sha256, name, role, expires in rows]


def _sessions(connection: Connection, now: datetime) -> list[Credential]:
    columns = (SESSIONS.c.sha256, SESSIONS.c.person, PEOPLE.c.role, SESSIONS.c.expires_at, SESSIONS.c.csrf_token)
    valid = (SESSIONS.c.ended_at.is_(None), SESSIONS.c.expires_at > now, PEOPLE.c.disabled_at.is_(None))
    rows = connection.execute(select(*columns).join_from(SESSIONS, PEOPLE).where(*valid)).all()
    return [Credential(sha256, f"person:{name}", role, expires, csrf) for sha256, name, role, expires, csrf in rows]


def _ever_configured(connection: Connection) -> bool:
    there = select(or_(exists(select(API_KEYS.c.id)), exists(select(PEOPLE.c.name))))
    return bool(connection.scalar(there))
