"""The model versions that any machine can make live, whether they were ever live or not: their bundles are here."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Select, case, delete, exists, insert, select, update

from churn_mlops.deployment import Deployment, ModelVersion, StoredBundle
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import BUNDLES, DEPLOYMENTS, MODEL_VERSIONS, TRIALS
from churn_mlops.store.deployments import put_bundle

CANDIDATES = 20
"""Versions that never were live, kept with their bundles: a bundle has up to some megabytes. MLflow keeps every one."""
NEWEST = 50
"""Versions that are listed; an earlier one is asked for by its number."""


class ModelVersions:
    """The model versions in a store.

    Args:
        store: an open store.
        clock: returns the time; replaced in tests.
    """

    def __init__(self, store: Store, clock: Clock = utc_now) -> None:
        self._store, self._clock = store, clock

    def register(self, stored: StoredBundle, *, version: str, model_type: str) -> None:
        """Keep a version with its bundle, in one transaction; of those never live, the newest `CANDIDATES` stay.

        A version that is registered again replaces itself: its verdict may be another by then. With another bundle it
        is a new version, registered now: a registry that was built again counts from 1 again.

        Args:
            stored: the bundle, and how it was made.
            version: its version as people see it.
            model_type: such as ``additive_boosting``.

        Raises:
            BundleError: the bundle is not what its hash says; nothing changes.
            StoreError: the store fails; nothing changes.
        """
        with self._store.writing("register a model version") as connection:
            now = self._clock()
            known = select(BUNDLES.c.provenance).where(BUNDLES.c.sha256 == stored.sha256)
            # The same bundle may be live as another version: how that one was made stays.
            made = connection.execute(known).scalar() or dict(stored.provenance)
            put_bundle(connection, StoredBundle(stored.sha256, stored.content, made), now)
            values = {"sha256": stored.sha256, "model_type": model_type, "provenance": dict(stored.provenance)}
            same = MODEL_VERSIONS.c.version == version
            since = case((MODEL_VERSIONS.c.sha256 == stored.sha256, MODEL_VERSIONS.c.registered_at), else_=now)
            again = update(MODEL_VERSIONS).where(same).values(registered_at=since, **values)
            if not connection.execute(again).rowcount:
                connection.execute(insert(MODEL_VERSIONS).values(version=version, registered_at=now, **values))
            _drop_old_candidates(connection)

    def newest(self, most: int = NEWEST) -> list[ModelVersion]:
        """The newest ``most`` versions, the newest first, with those that went live without being registered.

        Raises:
            StoreError: the store fails.
        """
        registered = select(MODEL_VERSIONS).order_by(MODEL_VERSIONS.c.registered_at.desc()).limit(most)
        with self._store.reading("read the model versions") as connection:
            found = [_version(row) for row in connection.execute(registered)]
            first: dict[str, datetime] = {}
            for row in connection.execute(_unregistered()):
                first.setdefault(row.version, row.since)
            wanted = sorted(first, key=first.__getitem__, reverse=True)[:most]
            found += [_lived(connection, version, first[version]) for version in wanted]
        return sorted(found, key=lambda one: one.registered_at, reverse=True)[:most]

    def one(self, version: str) -> ModelVersion | None:
        """One version, None where the store does not hold it.

        Raises:
            StoreError: the store fails.
        """
        with self._store.reading("read a model version") as connection:
            row = connection.execute(select(MODEL_VERSIONS).where(MODEL_VERSIONS.c.version == version)).one_or_none()
            if row is not None:
                return _version(row)
            first = connection.execute(_unregistered().where(DEPLOYMENTS.c.version == version).limit(1)).one_or_none()
            return None if first is None else _lived(connection, version, first.since)

    def deployed(self, deployment: Deployment) -> ModelVersion:
        """The version of a deployment with the bundle that it had then: its number may have another one by now.

        Raises:
            StoreError: the store fails.
        """
        is_same = (MODEL_VERSIONS.c.version == deployment.version, MODEL_VERSIONS.c.sha256 == deployment.sha256)
        known = select(BUNDLES.c.provenance).where(BUNDLES.c.sha256 == deployment.sha256)
        with self._store.reading("read a model version") as connection:
            row = connection.execute(select(MODEL_VERSIONS).where(*is_same)).one_or_none()
            if row is not None:
                return _version(row)
            made = connection.execute(known).scalar_one()
        return ModelVersion(deployment.version, deployment.sha256, deployment.model_type, deployment.since, made)


def _unregistered() -> Select[Any]:
    """Deployments of versions that are not registered here, the earliest first: they are from before, or by hand."""
    registered = select(MODEL_VERSIONS.c.version)
    columns = (DEPLOYMENTS.c.version, DEPLOYMENTS.c.since)
    return select(*columns).where(DEPLOYMENTS.c.version.not_in(registered)).order_by(DEPLOYMENTS.c.since)


def _lived(connection: Connection, version: str, since: datetime) -> ModelVersion:
    """A version by its last deployment; ``since`` is the start of its first."""
    query = (
        select(DEPLOYMENTS.c.sha256, DEPLOYMENTS.c.model_type, BUNDLES.c.provenance)
        .join(BUNDLES, BUNDLES.c.sha256 == DEPLOYMENTS.c.sha256)
        .where(DEPLOYMENTS.c.version == version)
        .order_by(DEPLOYMENTS.c.since.desc())
        .limit(1)
    )
    row = connection.execute(query).one()
    return ModelVersion(version, row.sha256, row.model_type, since, row.provenance)


def _version(row: Any) -> ModelVersion:
    return ModelVersion(**row._mapping)


def _drop_old_candidates(connection: Connection) -> None:
    was_live = exists().where(
        DEPLOYMENTS.c.version == MODEL_VERSIONS.c.version, DEPLOYMENTS.c.sha256 == MODEL_VERSIONS.c.sha256
    )
    never_live = (
        select(MODEL_VERSIONS.c.version, MODEL_VERSIONS.c.sha256)
        .where(~was_live)
        .order_by(MODEL_VERSIONS.c.registered_at.desc(), MODEL_VERSIONS.c.version.desc())
        .offset(CANDIDATES)
    )
    old = connection.execute(never_live).all()
    if not old:
        return
    connection.execute(delete(MODEL_VERSIONS).where(MODEL_VERSIONS.c.version.in_([one.version for one in old])))
    unused = [BUNDLES.c.sha256.not_in(select(table.c.sha256)) for table in (DEPLOYMENTS, MODEL_VERSIONS, TRIALS)]
    connection.execute(delete(BUNDLES).where(BUNDLES.c.sha256.in_([one.sha256 for one in old]), *unused))
