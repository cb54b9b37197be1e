"""Which model was live when, for all machines that share the store, and the bundles themselves.

A period is known by the moment when it began and by its bundle; the last to begin is that of the champion. Periods only
ever come in, in any order: where each ends is told by the next.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from sqlalchemy import Connection, insert, select, update

from churn_mlops.errors import BundleError, StoreError
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import BUNDLES, LIVE_PERIODS

_IN_ORDER = (LIVE_PERIODS.c.since, LIVE_PERIODS.c.sha256)


class LiveChangedError(StoreError):
    """Another model went live in the store since it was looked at."""


@dataclass(frozen=True)
class StoredPeriod:
    """One version's time as champion; ``until`` is None while it lasts, and told by the period that comes next.

    ``rollback`` says that it began by going back.
    """

    version: str
    sha256: str
    model_type: str
    since: datetime
    reason: str
    rollback: bool = False
    until: datetime | None = None

    @classmethod
    def from_texts(
        cls, version: str, sha256: str, model_type: str, since: str, to: str | None, reason: str, rollback: bool
    ) -> StoredPeriod:
        """The period that the fields of a ``LivePeriod`` tell."""
        until = None if to is None else datetime.fromisoformat(to)
        return cls(version, sha256, model_type, datetime.fromisoformat(since), reason, rollback, until)

    def texts(self) -> dict[str, Any]:
        """The same as the arguments of ``models.promotion.LivePeriod``: times in ISO 8601, UTC, milliseconds."""
        fields = asdict(self)
        since, until = fields.pop("since"), fields.pop("until")
        return fields | {"since": _text(since), "to": None if until is None else _text(until)}


@dataclass(frozen=True)
class StoredBundle:
    """A bundle's file, its hash, and what is known of how it was made."""

    sha256: str
    content: bytes = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)


def current_period(store: Store) -> StoredPeriod | None:
    """The period of the champion, None where none ever was.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read which model is live") as connection:
        return _last(connection)


def stored_periods(store: Store) -> list[StoredPeriod]:
    """Every period, the oldest first.

    Raises:
        StoreError: the store fails.
    """
    with store.reading("read which model was live when") as connection:
        return _all(connection)


def stored_bundle(store: Store, sha256: str) -> StoredBundle:
    """The bundle with the hash ``sha256``.

    Raises:
        BundleError: there is none, or its bytes are not those that were kept.
        StoreError: the store fails.
    """
    with store.reading("read a model bundle") as connection:
        row = connection.execute(select(BUNDLES).where(BUNDLES.c.sha256 == sha256)).one_or_none()
    if row is None:
        raise BundleError(f"the store {store.shown} holds no model bundle {sha256[:12]}: promote the version again")
    if _hash(row.content) != sha256:
        raise BundleError(f"model bundle {sha256[:12]} was altered in the store {store.shown}: promote it again")
    return StoredBundle(sha256, row.content, row.provenance)


def add_live(
    store: Store,
    periods: Iterable[StoredPeriod],
    bundles: Iterable[StoredBundle],
    *,
    after: StoredPeriod | None,
    by: str = "churn",
    clock: Clock = utc_now,
) -> None:
    """Add periods and their bundles in one transaction; the last of all periods is that of the champion from then on.

    To add again what is there changes nothing.

    Args:
        store: the store.
        periods: where they end is worked out here.
        bundles: those of the periods, but for such as the store holds already.
        after: the store's last period as the caller knows it, None where he knows of none.
        by: who does it, for the audit trail, in which every period stands as ``champion.changed``.
        clock: tells when a bundle was added.

    Raises:
        LiveChangedError: the store's last period is another by now; nothing is added.
        BundleError: a bundle is not what its hash says; nothing is added.
        StoreError: the store fails.
    """
    with store.writing("make a model live") as connection:
        found = _all(connection)
        last = found[-1] if found else None
        if _key(last) != _key(after):
            raise LiveChangedError(f"another model went live in the store {store.shown} in the meantime: look again")
        for bundle in bundles:
            _put_bundle(connection, bundle, clock())
        known = {_key(period) for period in found}
        for period in periods:
            if _key(period) not in known:
                connection.execute(insert(LIVE_PERIODS).values(**asdict(period)))
                known.add(_key(period))
                told = {"version": period.version, "rollback": period.rollback, "reason": period.reason}
                add_event(connection, clock(), by, "champion.changed", details=told)
        _end_each_by_the_next(connection)


def _put_bundle(connection: Connection, bundle: StoredBundle, now: datetime) -> None:
    """Write the bundle, over one of the same hash: that may have been altered, or lack what is known by now."""
    if _hash(bundle.content) != bundle.sha256:
        raise BundleError(f"model bundle {bundle.sha256[:12]} is truncated or was altered: it does not go live")
    values = {"content": bundle.content, "provenance": dict(bundle.provenance)}
    of_this = BUNDLES.c.sha256 == bundle.sha256
    if not connection.execute(update(BUNDLES).where(of_this).values(**values)).rowcount:
        connection.execute(insert(BUNDLES).values(sha256=bundle.sha256, added_at=now, **values))


def _end_each_by_the_next(connection: Connection) -> None:
    rows = connection.execute(
        select(LIVE_PERIODS.c.id, LIVE_PERIODS.c.since, LIVE_PERIODS.c.until).order_by(*_IN_ORDER)
    ).all()
    for row, following in pairwise([*rows, None]):
        until = None if following is None else following.since
        if row is not None and row.until != until:
            connection.execute(update(LIVE_PERIODS).where(LIVE_PERIODS.c.id == row.id).values(until=until))


def _all(connection: Connection) -> list[StoredPeriod]:
    rows = connection.execute(select(*_columns()).order_by(*_IN_ORDER))
    return [StoredPeriod(**row._mapping) for row in rows]


def _last(connection: Connection) -> StoredPeriod | None:
    query = select(*_columns()).order_by(*(column.desc() for column in _IN_ORDER)).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else StoredPeriod(**row._mapping)


def _columns() -> list[Any]:
    return [column for column in LIVE_PERIODS.c if column.name != "id"]


def _key(period: StoredPeriod | None) -> tuple[datetime, str] | None:
    return None if period is None else (period.since, period.sha256)


def _hash(content: bytes) -> str:
    """The hash of a bundle is that of its second line, the model; the first is a header, which tells the hash."""
    return hashlib.sha256(content.partition(b"\n")[2].removesuffix(b"\n")).hexdigest()


def _text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds")
