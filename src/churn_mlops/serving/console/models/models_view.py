"""The models as plain values: the version that is live, what was live when, and the versions that can be made live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Literal

from churn_mlops.deployment import Deployment, ModelVersion
from churn_mlops.serving.model.model_book import ModelFacts
from churn_mlops.store.shadow import InShadow
from churn_mlops.store.trials import Trial

METRICS = ("auc", "log_loss", "lift_top_decile", "observed_over_expected")
"""The metrics of the page, in their order; one that a version does not have is left out."""
State = Literal["live", "was_live", "never_live"]


@dataclass(frozen=True)
class Figure:
    """A metric on the test set with its 95 % interval."""

    name: str
    value: float
    low: float | None
    high: float | None


@dataclass(frozen=True)
class VersionView:
    """A version.

    Args:
        version: its number.
        sha256: of its bundle.
        model_type: such as ``additive_boosting``.
        state: whether it is live, was, or never was.
        figures: on its test set.
        trained_at: when it was trained; where that is not known, when it was first registered or live.
        verdict: why training promoted it or not, empty where that is not known.
        made: all that was recorded with it.
        twins: numbers of other versions with the same bundle: they give the same scores.
    """

    version: str
    sha256: str
    model_type: str
    state: State
    figures: Sequence[Figure]
    trained_at: datetime
    verdict: str
    made: Mapping[str, Any]
    twins: Sequence[str] = ()

    def figure(self, name: str) -> Figure | None:
        """The metric of this name, None where the version does not have it."""
        return next((one for one in self.figures if one.name == name), None)


@dataclass(frozen=True)
class Period:
    """One version's time as champion.

    Args:
        deployment: the record.
        days: whole days that it lasted, or lasts.
        is_live: whether it is live now.
        is_served: whether this server answers with it.
    """

    deployment: Deployment
    days: int
    is_live: bool
    is_served: bool


@dataclass(frozen=True)
class ModelsView:
    """The page.

    Args:
        live: the version that is live, None where none is recorded.
        periods: what was live when, the latest first.
        versions: those that can be made live, the newest first.
        before: the deployment that a rollback goes back to, None where there is none.
        is_cut: whether there were earlier deployments.
        shadow: the version that scores beside the champion, None where none does.
        trials: of challengers that ended, the newest first.
    """

    live: VersionView | None
    periods: Sequence[Period]
    versions: Sequence[VersionView]
    before: Deployment | None
    is_cut: bool
    shadow: InShadow | None = None
    trials: Sequence[Trial] = ()


def models_view(facts: ModelFacts, served: tuple[str, str], now: datetime) -> ModelsView:
    """The page.

    Args:
        facts: of the store.
        served: version that this server answers with, and the hash of its bundle.
        now: the present time, with a time zone.
    """
    versions = _with_twins([version_view(one, facts.history) for one in facts.versions])
    return ModelsView(
        None if facts.live is None else version_view(facts.live, facts.history),
        [_period(one, served, now) for one in reversed(facts.latest)],
        versions,
        facts.before,
        len(facts.latest) < len(facts.history),
        facts.shadow,
        [one for one in facts.trials if one.until is not None],
    )


def version_view(one: ModelVersion, history: Sequence[Deployment]) -> VersionView:
    """A version.

    Args:
        one: the version.
        history: every deployment, the oldest first.
    """
    metrics = one.provenance.get("metrics") or {}
    return VersionView(
        one.version,
        one.sha256,
        one.model_type,
        _state(one, history),
        [found for name in METRICS if (found := _figure(name, metrics.get(name))) is not None],
        _time(one.provenance.get("trained_at")) or one.registered_at,
        str(one.provenance.get("verdict") or ""),
        one.provenance,
    )


def _with_twins(versions: Sequence[VersionView]) -> list[VersionView]:
    alike: dict[str, list[str]] = {}
    for one in versions:
        alike.setdefault(one.sha256, []).append(one.version)
    return [replace(one, twins=[each for each in alike[one.sha256] if each != one.version]) for one in versions]


def _state(one: ModelVersion, history: Sequence[Deployment]) -> State:
    lived = [each.until is None for each in history if each.is_of(one)]
    return "never_live" if not lived else "live" if lived[-1] else "was_live"


def _period(one: Deployment, served: tuple[str, str], now: datetime) -> Period:
    is_live = one.until is None
    return Period(one, ((one.until or now) - one.since).days, is_live, is_live and (one.version, one.sha256) == served)


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
