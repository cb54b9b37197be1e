"""Deployments: one model version's time as champion, and the bundle that was deployed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from churn_mlops.errors import PromotionError

ANY = "any"
"""Whichever model is live, or none."""


class ChampionChangedError(PromotionError):
    """Another model went live since the champion was looked at."""

    def __init__(self) -> None:
        super().__init__("another model went live in the meantime: look at `churn models list`, then decide again")


@dataclass(frozen=True)
class Deployment:
    """One version's time as champion.

    Args:
        version: as people see it, such as "3".
        sha256: of the bundle.
        model_type: such as ``additive_boosting``.
        since: when it went live, with a time zone.
        reason: why it went live.
        rollback: whether it went live again because a later version was withdrawn.
        until: when the next one went live; None while it lasts.
        deployed_by: the principal that made it live, None where that was not recorded.

    Raises:
        ValueError: a time has no time zone.
    """

    version: str
    sha256: str
    model_type: str
    since: datetime
    reason: str
    rollback: bool = False
    until: datetime | None = None
    deployed_by: str | None = field(default=None, compare=False)

    def __post_init__(self) -> None:
        for time in (self.since, self.until):
            if time is not None and time.tzinfo is None:
                raise ValueError(f"{time} has no time zone")

    def is_same(self, other: Deployment) -> bool:
        """Whether both made the same version live, with the same bundle."""
        return (self.version, self.sha256) == (other.version, other.sha256)

    def is_of(self, version: ModelVersion) -> bool:
        """Whether it made this version live with this bundle: a registry that was built again counts from 1 again."""
        return (self.version, self.sha256) == (version.version, version.sha256)

    @property
    def identity(self) -> tuple[datetime, str]:
        """``since`` and ``sha256``: no two deployments share both, and ``since`` orders them."""
        return self.since, self.sha256

    @property
    def live_from(self) -> str:
        """``since`` as text: ISO 8601 in UTC, to the millisecond."""
        return _text(self.since)

    def to_entry(self) -> dict[str, Any]:
        """The deployment as in ``live.json`` and ``churn models list --json``: plain JSON, times as text."""
        return {
            "version": self.version,
            "sha256": self.sha256,
            "model_type": self.model_type,
            "since": self.live_from,
            "to": None if self.until is None else _text(self.until),
            "reason": self.reason,
            "rollback": self.rollback,
        }

    @classmethod
    def from_entry(cls, entry: Mapping[str, Any]) -> Deployment:
        """The deployment that an entry describes.

        Raises:
            ValueError, TypeError, KeyError: it describes none.
        """
        fields = dict(entry)
        since, to = fields.pop("since"), fields.pop("to")
        until = None if to is None else datetime.fromisoformat(to)
        return cls(since=datetime.fromisoformat(since), until=until, **fields)


@dataclass(frozen=True)
class ModelVersion:
    """A version whose bundle the store holds, so that any machine can make it live.

    Args:
        version: as people see it, such as "3".
        sha256: of the bundle.
        model_type: such as ``additive_boosting``.
        registered_at: when training registered it, with a time zone.
        provenance: how it was made.
    """

    version: str
    sha256: str
    model_type: str
    registered_at: datetime
    provenance: Mapping[str, Any] = field(repr=False)


@dataclass(frozen=True)
class StoredBundle:
    """A model bundle as the bytes of its file, its hash, and how it was made."""

    sha256: str
    content: bytes = field(repr=False)
    provenance: Mapping[str, Any] = field(default_factory=dict, repr=False)


def active_history(deployments: Iterable[Deployment]) -> list[Deployment]:
    """The deployments that were not rolled back, the oldest first: a rollback goes from the last to the one before.

    Two versions with the same bundle are two: the number is what people see.
    """
    active: list[Deployment] = []
    for deployment in deployments:
        if deployment.rollback:
            # By what it went back to, not by one step: older stores hold rollbacks that machines made independently,
            # and some of those speak of the bundle under another number.
            same = [place for place, one in enumerate(active, 1) if one.is_same(deployment)]
            alike = [place for place, one in enumerate(active) if one.sha256 == deployment.sha256]
            del active[(same or alike or [0])[-1] :]
        if not active or not active[-1].is_same(deployment):
            active.append(deployment)
    return active


def _text(time: datetime) -> str:
    return time.astimezone(UTC).isoformat(timespec="milliseconds")
