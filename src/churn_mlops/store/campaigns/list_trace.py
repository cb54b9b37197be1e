"""A change of the list is bound to the publication that was seen, and leaves its trace in the same transaction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, select

from churn_mlops.errors import ChurnError
from churn_mlops.keyed_hash import hasher
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.schema import RUNS


class ListChangedError(ChurnError):
    """Another list is the newest by now, so that its ranks mean other customers."""


@dataclass(frozen=True)
class ListTrace:
    """The list that a change is bound to, and the trace of it that the audit log keeps.

    Args:
        run_id: the run of the list that was seen.
        finished_at: when it was published.
        by: the principal.
        event: the name of the event.
        details: plain values, which name no customer.
        hash_key: of the hash of each changed customer, who get an event each; None for one event with their count.
    """

    run_id: int
    finished_at: datetime
    by: str
    event: str
    details: Mapping[str, Any]
    hash_key: str | None = None

    def check(self, connection: Connection) -> None:
        """Go on if the list is still the newest.

        Raises:
            ListChangedError: it is not.
        """
        newest = select(RUNS.c.id, RUNS.c.finished_at).order_by(RUNS.c.as_of.desc()).limit(1)
        row = connection.execute(newest).one_or_none()
        if row is None or tuple(row) != (self.run_id, self.finished_at):
            raise ListChangedError("the list was published again")

    def record(self, connection: Connection, owners: Mapping[str, str | None], at: datetime) -> None:
        """Add the events of the customers who were changed; none where there are none.

        Args:
            connection: of the transaction that changes them.
            owners: who worked on each of them before; another agent than ``by`` is named as ``from``.
            at: the time.
        """
        if owners and self.hash_key is None:
            add_event(connection, at, self.by, self.event, details={**self.details, "count": len(owners)})
        elif self.hash_key is not None:
            hashed = hasher(self.hash_key)
            for customer, owner in owners.items():
                details = {**self.details} | ({} if owner in (None, self.by) else {"from": owner})
                add_event(connection, at, self.by, self.event, customer_hash=hashed(customer), details=details)
