"""Revocations in a store that is restored: what was revoked since the backup stays revoked."""

from __future__ import annotations

from sqlalchemy import Table, delete, select, update

from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import API_KEYS, PEOPLE, SESSIONS


def keep_revocations(present: Store, restored: Store) -> int:
    """Revoke and disable in ``restored`` what is revoked or disabled in ``present``, at the same times.

    Returns:
        the number of keys and users that changed.

    Raises:
        StoreError: one of the two fails.
    """
    return _carry(present, restored, API_KEYS, "id", "revoked_at") + _carry(
        present, restored, PEOPLE, "name", "disabled_at"
    )


def end_sessions(store: Store) -> None:
    """Delete every session, so that users sign in again.

    Raises:
        StoreError: the store fails.
    """
    with store.writing("end all sessions") as connection:
        connection.execute(delete(SESSIONS))


def _carry(present: Store, restored: Store, table: Table, name: str, ended: str) -> int:
    with present.reading(f"read the ends in {table.name}") as connection:
        ends = connection.execute(select(table.c[name], table.c[ended]).where(table.c[ended].is_not(None))).all()
    changed = 0
    with restored.writing(f"carry the ends in {table.name} over") as connection:
        for named, at in ends:
            same = (table.c[name] == named, table.c[ended].is_(None))
            changed += connection.execute(update(table).where(*same).values({ended: at})).rowcount
    return changed
