"""Sessions of users who signed in: a random token in their browser's cookie, of which only the hash is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from churn_mlops.errors import AccessError
from churn_mlops.store.access.api_keys import hash_of
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PEOPLE, SESSIONS

_RANDOM_BYTES = 32
# Sessions are deleted some days after they ran out; the audit log keeps who signed in when.
KEPT = timedelta(days=7)


@dataclass(frozen=True)
class NewSession:
    """A session that has just begun.

    Args:
        token: goes into the cookie, and is kept nowhere.
        csrf_token: has to come with every request that changes something, outside of the cookie.
        expires_at: from when on it is refused.
    """

    token: str
    csrf_token: str
    expires_at: datetime


@dataclass(frozen=True)
class OpenSession:
    """A session that may still be used.

    Args:
        sha256: hash of its token.
        created_at: when it began; in UTC, as is the end.
        expires_at: from when on it is refused.
    """

    sha256: str
    created_at: datetime
    expires_at: datetime


def start_session(
    store: Store, person: str, lifetime: timedelta, *, verified: str | None = None, clock: Clock = utc_now
) -> NewSession:
    """Begin a session of ``person``, and say so in the audit log.

    Args:
        store: the store.
        person: the user.
        lifetime: of the session.
        verified: hash of the password that the user gave, which has to be theirs still; None where they gave none.
        clock: returns the present time.

    Raises:
        AccessError: the user may not sign in (any more), or has another password by now.
        StoreError: the store fails.
    """
    token, csrf_token = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(2))
    with store.writing("begin a session") as connection:
        now = clock()
        able = select(PEOPLE.c.name).where(PEOPLE.c.name == person, PEOPLE.c.disabled_at.is_(None))
        if verified is not None:
            able = able.where(PEOPLE.c.password.is_not_distinct_from(verified))
        if connection.execute(able).first() is None:
            raise AccessError(f"{person!r} may not sign in")
        connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < now - KEPT))
        started = NewSession(token, csrf_token, now + lifetime)
        connection.execute(
            insert(SESSIONS).values(
                sha256=hash_of(token),
                person=person,
                csrf_token=csrf_token,
                created_at=now,
                expires_at=started.expires_at,
            )
        )
        add_event(connection, now, f"person:{person}", "session.started")
    return started


def end_session(store: Store, sha256: str, *, clock: Clock = utc_now) -> None:
    """End the session whose token has this hash; one that has ended, or is not there, stays as it is.

    Raises:
        StoreError: the store fails.
    """
    this = (SESSIONS.c.sha256 == sha256, SESSIONS.c.ended_at.is_(None))
    with store.writing("end a session") as connection:
        now = clock()
        person = connection.scalar(select(SESSIONS.c.person).where(*this))
        if person is not None:
            connection.execute(update(SESSIONS).where(*this).values(ended_at=now))
            add_event(connection, now, f"person:{person}", "session.ended")


def open_sessions(store: Store, person: str, *, clock: Clock = utc_now) -> list[OpenSession]:
    """The sessions of a user that may still be used, the newest first.

    Raises:
        StoreError: the store fails.
    """
    columns = (SESSIONS.c.sha256, SESSIONS.c.created_at, SESSIONS.c.expires_at)
    these = (SESSIONS.c.person == person, SESSIONS.c.ended_at.is_(None), SESSIONS.c.expires_at > clock())
    query = select(*columns).where(*these).order_by(SESSIONS.c.created_at.desc(), SESSIONS.c.sha256)
    with store.reading("read the sessions of a user") as connection:
        return [OpenSession(*row) for row in connection.execute(query)]


def end_sessions(store: Store, person: str, *, by: str, keep: str | None = None, clock: Clock = utc_now) -> int:
    """End the sessions of a user.

    Args:
        store: the store.
        person: the user.
        by: who ends them.
        keep: hash of the token of the session that goes on, None for none.
        clock: returns the present time.

    Returns:
        How many ended.

    Raises:
        StoreError: the store fails.
    """
    with store.writing("end the sessions of a user") as connection:
        now = clock()
        ended = end_sessions_of(connection, person, now, keep)
        if ended:
            add_event(connection, now, by, "session.ended", details={"name": person, "sessions": ended})
    return ended


def end_sessions_of(connection: Connection, person: str, now: datetime, keep: str | None = None) -> int:
    """End the sessions of a user in the transaction of ``connection``, but the one of this hash; how many ended."""
    these = (SESSIONS.c.person == person, SESSIONS.c.ended_at.is_(None), SESSIONS.c.expires_at > now)
    ending = update(SESSIONS).where(*these, SESSIONS.c.sha256 != (keep or "")).values(ended_at=now)
    return connection.execute(ending).rowcount
