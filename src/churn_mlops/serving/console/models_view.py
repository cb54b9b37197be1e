"""The models as plain values: which is live, and what was live when."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from churn_mlops.deployment import Deployment

METRICS = ("auc", "log_loss", "lift_top_decile", "observed_over_expected")
"""The metrics of the page, in their order; one that a version does not have is left out."""


@dataclass(frozen=True)
class Figure:
    """A metric on the test set with its 95 % interval."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Live:
    """One version's time as champion.

    Args:
        deployment: the record.
        is_live: whether it is live now.
        is_served: whether this server answers with it.
        figures: on its test set.
        trained_at: when it was trained, None where that is not known.
        verdict: why it was promoted or not, empty where that is not known.
    """

    deployment: Deployment
    is_live: bool
    is_served: bool
    figures: Sequence[Figure]
    trained_at: datetime | None
    verdict: str

    def figure(self, name: str) -> Figure | None:
        """The metric of this name, None where the version does not have it."""
        return next((one for one in self.figures if one.name == name), None)


def models_view(
    history: Sequence[Deployment], provenance: Mapping[str, Mapping[str, Any]], served: str | None
) -> list[Live]:
    """The deployments, the latest first.

    Args:
        history: the oldest first.
        provenance: how each bundle was made, by its hash.
        served: version that this server answers with, None while there is none.
    """
    return [_live(one, provenance.get(one.sha256, {}), served) for one in reversed(history)]


def _live(deployment: Deployment, made: Mapping[str, Any], served: str | None) -> Live:
    metrics = made.get("metrics") or {}
    is_live = deployment.until is None
    return Live(
        deployment,
        is_live,
        is_live and deployment.version == served,
        [found for name in METRICS if (found := _figure(name, metrics.get(name))) is not None],
        _time(made.get("trained_at")),
        str(made.get("verdict") or ""),
    )


def _figure(name: str, given: Any) -> Figure | None:
    """A figure as it was recorded: with its interval, or by older versions alone."""
    if isinstance(given, Mapping):
        value, low, high = (given.get(part) for part in ("value", "low", "high"))
    else:
        value, low, high = given, None, None
    if not isinstance(value, int | float) or value != value:
        return None
    has_interval = isinstance(low, int | float) and isinstance(high, int | float)
    return Figure(name, float(value), low if has_interval else None, high if has_interval else None)


def _time(text: Any) -> datetime | None:
    try:
        found = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        return None
    return found if found.tzinfo is not None else None
