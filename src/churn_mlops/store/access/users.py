"""People who sign in with a password, of which only a slow hash (argon2id) is kept."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, insert, select, update

from churn_mlops.errors import AccessError
from churn_mlops.store.access.api_keys import checked_name
from churn_mlops.store.access.sessions import end_sessions_of
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import PEOPLE

PERSON_ROLES = ("agent", "analyst", "admin")
SHORTEST_PASSWORD = 12
LONGEST_PASSWORD = 1024
VOUCHED = "oidc"
"""Stands in place of a hash for a user that the identity provider vouches for: no password has it."""
# As OWASP advises for argon2id; 19 MiB for each verification that runs.
_HASHER = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
_PUBLIC = (PEOPLE.c.name, PEOPLE.c.role, PEOPLE.c.created_at, PEOPLE.c.disabled_at)


@dataclass(frozen=True)
class User:
    """A user, who may sign in.

    Args:
        name: the name to sign in with; letters, digits and ``._@-``.
        role: what the user may do.
        created_at: when the user was added, in UTC.
        disabled_at: since when the user may no longer sign in, None while they may.
    """

    name: str
    role: str
    created_at: datetime
    disabled_at: datetime | None


def add_user(
    store: Store, name: str, password: str, role: str, *, by: str, replace: bool = False, clock: Clock = utc_now
) -> User:
    """Add a user, who may then sign in.

    Args:
        store: the store.
        name: the name to sign in with.
        password: 12 characters or more.
        role: one of ``PERSON_ROLES``.
        by: who adds the user.
        replace: a known user of this name gets this password and role, may sign in again, and their sessions end.
        clock: returns the present time.

    Raises:
        AccessError: the name is taken, the password is too short or long, or there is no such role.
        StoreError: the store fails.
    """
    checked_name(name)
    if role not in PERSON_ROLES:
        raise no_role(role)
    values = {"password": password_hash(password), "role": role, "disabled_at": None}
    with store.writing("add a person") as connection:
        now = clock()
        known = connection.execute(select(PEOPLE.c.name).where(PEOPLE.c.name == name)).first() is not None
        if known and not replace:
            raise AccessError(f"there is a user of the name {name!r}: take another name, or change that user")
        if known:
            connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(**values))
            end_sessions_of(connection, name, now)
        else:
            connection.execute(insert(PEOPLE).values(name=name, created_at=now, **values))
        event = "person.changed" if known else "person.added"
        add_event(connection, now, by, event, details={"name": name, "role": role})
        return user_named(connection, name)


def add_vouched_user(store: Store, name: str, role: str, *, by: str, clock: Clock = utc_now) -> User:
    """Add a user that an identity provider vouches for, or give the user of this name their present role.

    No password lets them in.

    Args:
        store: the store.
        name: as the provider names them.
        role: one of ``PERSON_ROLES``.
        by: who vouches.
        clock: returns the present time.

    Raises:
        AccessError: the name cannot be one, a user of this name has a password, or they are disabled.
        StoreError: the store fails.
    """
    checked_name(name)
    with store.writing("add a person") as connection:
        now = clock()
        vouched = PEOPLE.c.password.is_not_distinct_from(VOUCHED).label("is_vouched")
        known = connection.execute(select(*_PUBLIC, vouched).where(PEOPLE.c.name == name)).one_or_none()
        if known is None:
            connection.execute(
                insert(PEOPLE).values(name=name, created_at=now, password=VOUCHED, role=role, disabled_at=None)
            )
            add_event(connection, now, by, "person.added", details={"name": name, "role": role})
        elif not known.is_vouched:
            raise AccessError(f"{name!r} signs in with a password")
        elif known.disabled_at is not None:
            raise AccessError(f"{name!r} may not sign in")
        elif known.role != role:
            connection.execute(update(PEOPLE).where(PEOPLE.c.name == name).values(role=role))
            end_sessions_of(connection, name, now)
            add_event(connection, now, by, "person.changed", details={"name": name, "role": role})
        return user_named(connection, name)


def change_password(
    store: Store,
    name: str,
    password: str,
    *,
    verified: str | None = None,
    keep_session: str | None = None,
    clock: Clock = utc_now,
) -> None:
    """Give a user another password, by their own wish; their sessions end.

    Args:
        store: the store.
        name: of the user.
        password: 12 characters or more.
        verified: hash of the present password that the user gave, which has to be theirs still; None for any.
        keep_session: hash of the token of the session that goes on, None for none.
        clock: returns the present time.

    Raises:
        AccessError: there is no such user who may sign in, their password is another by now, or the new one is too
            short or long.
        StoreError: the store fails.
    """
    hashed = password_hash(password)
    with store.writing("change a password") as connection:
        now = clock()
        this = [PEOPLE.c.name == name, PEOPLE.c.disabled_at.is_(None)]
        if verified is not None:
            this.append(PEOPLE.c.password.is_not_distinct_from(verified))
        if not connection.execute(update(PEOPLE).where(*this).values(password=hashed)).rowcount:
            raise AccessError(f"there is no user of the name {name!r} who may sign in")
        end_sessions_of(connection, name, now, keep_session)
        add_event(connection, now, f"person:{name}", "person.changed", details={"name": name, "changed": "password"})


def disable_user(store: Store, name: str, *, by: str, keep_an_admin: bool = False, clock: Clock = utc_now) -> User:
    """Disable a user: they may no longer sign in, and their sessions end.

    Args:
        store: the store.
        name: of the user.
        by: who disables them.
        keep_an_admin: the last administrator is not disabled.
        clock: returns the present time.

    Raises:
        AccessError: there is no user of this name, or they are the last administrator.
        StoreError: the store fails.
    """
    with store.writing("disable a person") as connection:
        now = clock()
        if keep_an_admin:
            check_admin_remains(connection, name)
        this = (PEOPLE.c.name == name, PEOPLE.c.disabled_at.is_(None))
        done = connection.execute(update(PEOPLE).where(*this).values(disabled_at=now))
        end_sessions_of(connection, name, now)
        if done.rowcount:
            add_event(connection, now, by, "person.disabled", details={"name": name})
        return user_named(connection, name)


def list_users(store: Store) -> list[User]:
    """All users, with those that are disabled, by name.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read the people") as connection:
        rows = connection.execute(select(*_PUBLIC).order_by(PEOPLE.c.name)).all()
    return [User(**row._mapping) for row in rows]


def password_of(store: Store, name: str) -> tuple[User, str] | None:
    """A user who may sign in, with the hash of their password; None where there is none.

    Raises:
        StoreError: the store fails.
    """
    if "\x00" in name:  # PostgreSQL refuses such a text, and no user has it
        return None
    query = select(*_PUBLIC, PEOPLE.c.password).where(PEOPLE.c.name == name, PEOPLE.c.disabled_at.is_(None))
    with store.reading("read a person") as connection:
        row = connection.execute(query).one_or_none()
    if row is None:
        return None
    values: dict[str, Any] = dict(row._mapping)
    kept = str(values.pop("password"))
    return User(**values), kept


def password_matches(kept: str | None, password: str) -> bool:
    """Whether ``password`` is the one that ``kept`` is the hash of.

    It takes about 50 ms and 19 MiB, also where ``kept`` is None: the time does not show whether a name is known.
    """
    try:
        matches = _HASHER.verify(_UNUSED_HASH if kept in (None, VOUCHED) else kept, password[:LONGEST_PASSWORD])
    except (VerificationError, InvalidHashError):
        return False
    return matches and kept is not None


def check_admin_remains(connection: Connection, without: str) -> None:
    """Check that an administrator who may sign in remains; writers take turns, so two of them cannot both go.

    Args:
        connection: in a transaction that writes.
        without: the user who is about to be none.

    Raises:
        AccessError: ``without`` is the last one.
    """
    able = select(PEOPLE.c.name).where(PEOPLE.c.role == "admin", PEOPLE.c.disabled_at.is_(None))
    if connection.scalars(able).all() == [without]:
        raise AccessError(f"no other administrator may sign in: make one before you change {without}")


def no_role(role: str) -> AccessError:
    """The refusal of a role that no user can have."""
    return AccessError(f"{role!r} is no role of a person: one of {', '.join(PERSON_ROLES)}")


def password_hash(password: str) -> str:
    """The slow hash of a password: it takes about 50 ms and 19 MiB.

    Raises:
        AccessError: the password is too short or too long.
    """
    if not SHORTEST_PASSWORD <= len(password) <= LONGEST_PASSWORD:
        raise AccessError(
            f"the password has {len(password)} characters: take {SHORTEST_PASSWORD} to {LONGEST_PASSWORD}"
        )
    return _HASHER.hash(password)


def user_named(connection: Connection, name: str) -> User:
    """The user of this name, in the transaction of ``connection``.

    Raises:
        AccessError: there is none.
    """
    row = connection.execute(select(*_PUBLIC).where(PEOPLE.c.name == name)).one_or_none()
    if row is None:
        raise AccessError(f"there is no user of the name {name!r}: `churn people list` shows the names")
    values: dict[str, Any] = dict(row._mapping)
    return User(**values)


# A hash that no password has.
_UNUSED_HASH = "$argon2id$v=19$m=19456,t=2,p=1$" + "AAAAAAAAAAAAAAAAAAAAAA$" + "A" * 43
