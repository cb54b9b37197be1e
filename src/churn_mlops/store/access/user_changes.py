"""Users as an administrator sees and changes them: role, password, and whether they may sign in."""

from __future__ import annotations

import secrets
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select, update

from churn_mlops.errors import AccessError
from churn_mlops.store.access.sessions import KEPT, end_sessions_of
from churn_mlops.store.access.users import (
    PERSON_ROLES,
    VOUCHED,
    User,
    check_admin_remains,
    no_role,
    password_hash,
    user_named,
)
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PEOPLE, SESSIONS

# Letters and digits that are not taken for another when they are read out.
_SIGNS = "abcdefghjkmnpqrstuvwxyz23456789"
_GROUPS, _LENGTH = 4, 5


@dataclass(frozen=True)
class SeenUser:
    """A user as an administrator sees them.

    Args:
        user: the user.
        has_password: whether they sign in with a password; otherwise the identity provider vouches for them.
        last_session: when their last session began, in UTC; None where none is kept: it ended more than a week ago.
        sessions: how many of their sessions may still be used.
    """

    user: User
    has_password: bool
    last_session: datetime | None
    sessions: int

    def never_signed_in(self, now: datetime) -> bool:
        """Whether it is known that they never signed in: no session is kept, and any would be."""
        return self.last_session is None and now - self.user.created_at < KEPT


def made_password() -> str:
    """A password for a user to begin with: 20 random signs in groups, 99 bits."""
    return "-".join("".join(secrets.choice(_SIGNS) for _ in range(_LENGTH)) for _ in range(_GROUPS))


def seen_users(store: Store, name: str | None = None, *, clock: Clock = utc_now) -> list[SeenUser]:
    """All users by name, or the one of this name.

    Raises:
        StoreError: the store fails.
    """
    is_open = SESSIONS.c.ended_at.is_(None) & (SESSIONS.c.expires_at > clock())
    columns = (PEOPLE.c.name, PEOPLE.c.role, PEOPLE.c.created_at, PEOPLE.c.disabled_at)
    has_password = PEOPLE.c.password.is_distinct_from(VOUCHED).label("has_password")
    last, count = func.max(SESSIONS.c.created_at), func.count(SESSIONS.c.sha256).filter(is_open)
    query = select(*columns, has_password, last, count).outerjoin_from(
        PEOPLE, SESSIONS, PEOPLE.c.name == SESSIONS.c.person
    )
    query = query.group_by(*columns, PEOPLE.c.password).order_by(PEOPLE.c.name)
    if name is not None:
        query = query.where(PEOPLE.c.name == name)
    with store.reading("read the users") as connection:
        rows = connection.execute(query).all()
    return [SeenUser(User(*row[:4]), bool(row[4]), row[5], row[6]) for row in rows]


def change_role(store: Store, name: str, role: str, *, by: str, clock: Clock = utc_now) -> User:
    """Give a user another role; their sessions end.

    Raises:
        AccessError: there is no such user or role, the user is the last administrator, or the identity provider says
            what their role is.
        StoreError: the store fails.
    """
    if role not in PERSON_ROLES:
        raise no_role(role)
    with store.writing("change a role") as connection:
        now = clock()
        if user_named(connection, name).role == role:
            return user_named(connection, name)
        _check_password_user(connection, name, "their groups at the company decide their role")
        check_admin_remains(connection, name)
        connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(role=role))
        end_sessions_of(connection, name, now)
        add_event(connection, now, by, "person.changed", details={"name": name, "role": role})
        return user_named(connection, name)


def enable_user(store: Store, name: str, *, by: str, clock: Clock = utc_now) -> User:
    """Let a user sign in again who was disabled.

    Raises:
        AccessError: there is no user of this name.
        StoreError: the store fails.
    """
    with store.writing("enable a user") as connection:
        this = (PEOPLE.c.name == name, PEOPLE.c.disabled_at.is_not(None))
        if connection.execute(update(PEOPLE).where(*this).values(disabled_at=None)).rowcount:
            add_event(connection, clock(), by, "person.enabled", details={"name": name})
        return user_named(connection, name)


def reset_password(store: Store, name: str, password: str, *, by: str, clock: Clock = utc_now) -> User:
    """Give a user another password; their sessions end.

    Raises:
        AccessError: there is no such user, they have no password, or the password is too short or long.
        StoreError: the store fails.
    """
    hashed = password_hash(password)
    with store.writing("reset a password") as connection:
        now = clock()
        found = user_named(connection, name)
        _check_password_user(connection, name, "no password lets them in")
        connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(password=hashed))
        end_sessions_of(connection, name, now)
        add_event(connection, now, by, "person.changed", details={"name": name, "changed": "password"})
        return found


def _check_password_user(connection: Connection, name: str, otherwise: str) -> None:
    if connection.scalar(select(PEOPLE.c.password).where(PEOPLE.c.name == name)) == VOUCHED:
        raise AccessError(f"{otherwise}, since {name} signs in through the company's identity provider")
