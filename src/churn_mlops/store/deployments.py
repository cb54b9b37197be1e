"""Which model was live when: the one source of truth for all machines that share the store, bundles included."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, insert, select, update

from churn_mlops.deployment import ANY, ChampionChangedError, Deployment, StoredBundle
from churn_mlops.errors import BundleError
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import BUNDLES, DEPLOYMENTS

_IN_ORDER = (DEPLOYMENTS.c.since, DEPLOYMENTS.c.sha256)


class Deployments:
    """The deployments and bundles in a store.

    Args:
        store: an open store.
        clock: returns the time; replaced in tests.
    """

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store, self._clock = store, clock

    def history(self) -> tuple[Deployment, ...]:
        """Every deployment, the oldest first; the last is the champion's.

        Raises:
            StoreError: the store fails.
        """
        with self._store.reading("read which model was live when") as connection:
            rows = connection.execute(select(*_columns()).order_by(*_IN_ORDER))
            return tuple(Deployment(**row._mapping) for row in rows)

    def current(self) -> Deployment | None:
        """The deployment of the champion, None where none ever was.

        Raises:
            StoreError: the store fails.
        """
        with self._store.reading("read which model is live") as connection:
            return _last(connection)

    def provenance(self) -> dict[str, Mapping[str, Any]]:
        """How each bundle was made, by its hash; the bundles themselves are not read.

        Raises:
            StoreError: the store fails.
        """
        with self._store.reading("read how the models were made") as connection:
            return {
                row.sha256: row.provenance for row in connection.execute(select(BUNDLES.c.sha256, BUNDLES.c.provenance))
            }

    def bundle(self, sha256: str) -> StoredBundle:
        """The bundle with the hash ``sha256``.

        Raises:
            BundleError: there is none, or its bytes are not those that were stored.
            StoreError: the store fails.
        """
        with self._store.reading("read a model bundle") as connection:
            row = connection.execute(select(BUNDLES).where(BUNDLES.c.sha256 == sha256)).one_or_none()
        where = f"the store {self._store.shown}"
        if row is None:
            raise BundleError(f"{where} holds no model bundle {sha256[:12]}: promote the version again")
        if _hash(row.content) != sha256:
            raise BundleError(f"model bundle {sha256[:12]} was altered in {where}: promote it again")
        return StoredBundle(sha256, row.content, row.provenance)

    def deploy(
        self,
        stored: StoredBundle,
        *,
        version: str,
        model_type: str,
        reason: str,
        rollback: bool = False,
        expected_champion: str | None = ANY,
        by: str = "churn",
    ) -> Deployment:
        """Make a bundle the champion for all machines, in one transaction.

        Args:
            stored: the bundle.
            version: its version as people see it.
            model_type: such as ``additive_boosting``.
            reason: why it goes live.
            rollback: whether it replaces a later version that is withdrawn.
            expected_champion: SHA-256 of the champion that the caller decided by, None where there was none.
            by: the principal, for the audit log, where the deployment stands as ``champion.changed``.

        Raises:
            ChampionChangedError: another model than ``expected_champion`` is live by now; nothing changes.
            BundleError: the bundle is not what its hash says; nothing changes.
            StoreError: the store fails; nothing changes.
        """
        with self._store.writing("make a model live") as connection:
            last = _last(connection)
            if expected_champion not in (ANY, last and last.sha256):
                raise ChampionChangedError
            since = _start_after(last, self._clock())
            put_bundle(connection, stored, since)
            deployment = Deployment(version, stored.sha256, model_type, since, reason, rollback, deployed_by=by)
            _add(connection, deployment, self._clock(), by)
            return deployment

    def adopt(self, history: Iterable[Deployment], bundles: Iterable[StoredBundle]) -> None:
        """Take the history of a models folder into a store that has none; where it has one, nothing changes.

        Args:
            history: the oldest first; a deployment without its bundle is left out.
            bundles: those of the deployments.

        Raises:
            BundleError: a bundle is not what its hash says; nothing changes.
            StoreError: the store fails; nothing changes.
        """
        with self._store.writing("take over the models folder") as connection:
            if _last(connection) is not None:
                return
            now, known = self._clock(), set()
            for stored in bundles:
                put_bundle(connection, stored, now)
                known.add(stored.sha256)
            for deployment in history:
                if deployment.sha256 in known:
                    _add(connection, deployment, now, "churn")


def put_bundle(connection: Connection, stored: StoredBundle, now: datetime) -> None:
    """Write the bundle, over one of the same hash: that one may be damaged, or have an older provenance.

    Raises:
        BundleError: the bundle is not what its hash says.
    """
    if _hash(stored.content) != stored.sha256:
        raise BundleError(f"model bundle {stored.sha256[:12]} is truncated or was altered: it does not go live")
    values = {"content": stored.content, "provenance": dict(stored.provenance)}
    same = BUNDLES.c.sha256 == stored.sha256
    if not connection.execute(update(BUNDLES).where(same).values(**values)).rowcount:
        connection.execute(insert(BUNDLES).values(sha256=stored.sha256, added_at=now, **values))


def _start_after(last: Deployment | None, now: datetime) -> datetime:
    """When a deployment begins, to the millisecond: after the last one, whatever the clock says."""
    now = now.replace(microsecond=now.microsecond // 1000 * 1000)
    return now if last is None else max(now, last.since + timedelta(milliseconds=1))


def _add(connection: Connection, deployment: Deployment, now: datetime, by: str) -> None:
    """Add the deployment, which ends the one before it."""
    is_live = DEPLOYMENTS.c.until.is_(None)
    connection.execute(update(DEPLOYMENTS).where(is_live).values(until=deployment.since))
    connection.execute(insert(DEPLOYMENTS).values(**asdict(replace(deployment, until=None))))
    details = {"version": deployment.version, "rollback": deployment.rollback, "reason": deployment.reason}
    add_event(connection, now, by, "champion.changed", details=details)


def _last(connection: Connection) -> Deployment | None:
    query = select(*_columns()).order_by(*(column.desc() for column in _IN_ORDER)).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else Deployment(**row._mapping)


def _columns() -> list[Any]:
    return [column for column in DEPLOYMENTS.c if column.name != "id"]


def _hash(content: bytes) -> str:
    """The hash of a bundle is that of its second line, the model; the first line is a header, which holds the hash."""
    return hashlib.sha256(content.partition(b"\n")[2].removesuffix(b"\n")).hexdigest()
