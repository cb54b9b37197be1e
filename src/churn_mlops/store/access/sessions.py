"""Sessions of people who signed in: a random token in their browser's cookie, of which only the hash is kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, insert, select, update

from churn_mlops.errors import AccessError
from churn_mlops.store.access.api_keys import hash_of
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PEOPLE, SESSIONS

_RANDOM_BYTES = 32
# Sessions are deleted some days after they ran out; the audit log keeps who signed in when.
_KEPT = timedelta(days=7)


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


def start_session(store: Store, person: str, lifetime: timedelta, *, clock: Clock = utc_now) -> NewSession:
    """Begin a session of ``person``, and say so in the audit log.

    Raises:
        AccessError: the user may not sign in (any more).
        StoreError: the store fails.
    """
    token, csrf_token = (secrets.token_urlsafe(_RANDOM_BYTES) for _ in range(2))
    with store.writing("begin a session") as connection:
        now = clock()
        able = select(PEOPLE.c.name).where(PEOPLE.c.name == person, PEOPLE.c.disabled_at.is_(None))
        if connection.execute(able).first() is None:
            raise AccessError(f"{person!r} may not sign in")
        connection.execute(delete(SESSIONS).where(SESSIONS.c.expires_at < now - _KEPT))
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
