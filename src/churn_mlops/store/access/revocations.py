"""Revocations in a store that is restored: what was revoked since the backup stays revoked."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import Connection, delete, select, update

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import API_KEYS, PEOPLE, SESSIONS

_ENDS = ((API_KEYS, "id", "revoked_at"), (PEOPLE, "name", "disabled_at"))
Revocations = dict[str, dict[str, datetime]]
"""By table: when each key was revoked and each user disabled, by their ID or name."""


def revocations_in(connection: Connection) -> Revocations:
    """The revocations of the store of ``connection``, in its transaction."""
    return {
        table.name: {
            key: at
            for key, at in connection.execute(
                select(table.c[name], table.c[ended]).where(table.c[ended].is_not(None))
            ).all()
        }
        for table, name, ended in _ENDS
    }


def keep_revocations(ends: Revocations, restored: Store) -> int:
    """Revoke and disable in ``restored`` what is revoked or disabled by ``ends``, at the same times.

    Returns:
        the number of keys and users that changed.

    Raises:
        StoreError: the store fails.
    """
    changed = 0
    with restored.writing("carry revocations over") as connection:
        for table, name, ended in _ENDS:
            for ended_one, at in ends[table.name].items():
                same = (table.c[name] == ended_one, table.c[ended].is_(None))
                changed += connection.execute(update(table).where(*same).values({ended: at})).rowcount
    return changed


def end_sessions(store: Store) -> None:
    """Delete every session, so that users sign in again.

    Raises:
        StoreError: the store fails.
    """
    with store.writing("end all sessions") as connection:
        connection.execute(delete(SESSIONS))
