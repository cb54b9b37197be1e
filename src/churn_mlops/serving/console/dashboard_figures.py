"""The figures of the dashboard as they are written: value, interval, counts, and where their rows are."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date

from churn_mlops.serving.api.dashboard import rows_behind
from churn_mlops.serving.console.frame.formats import Formats
from churn_mlops.store.measurements import StoredMeasurement

BADGES = {"good": "low", "watch": "medium", "act": "high", "too_little": "plain"}
_SHARES = (
    "customers_at_risk", "revenue_at_risk", "list_worked", "list_today", "stayed_treated", "stayed_control",
    "churn_by_band", "churn_by_cohort", "churn_by_level", "list_skipped", "list_agent", "estimates_held",
)  # fmt: skip
_POINTS = ("success",)
_MONEY = ("roi", "money_lost")
MONEY_COUNTS = ("roi", "revenue_at_risk", "money_lost")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}")
_DIGITS = {
    "auc": 3,
    "auc_by_level": 3,
    "log_loss": 3,
    "score_drift": 3,
    "feature_drift": 3,
    "top_decile_lift": 1,
    "last_run": 1,
}


@dataclass(frozen=True)
class FigureText:
    """One figure, as it is written.

    Args:
        name: the key of its texts.
        part: what it is about, for people.
        value: None where there is too little data.
        interval: its two ends; None where there is none.
        counts: what is above and below the line, in words; empty where nothing is.
        status: the key of its badge.
        badge: the colour of the badge, beside its words.
        is_final: False for an estimate.
        next_step: what to do next.
        rows: address of the rows behind it, None where there are none.
    """

    name: str
    part: str
    value: str | None
    interval: tuple[str, str] | None
    counts: str
    status: str
    badge: str
    is_final: bool
    next_step: str
    rows: str | None

    @property
    def stands_out(self) -> bool:
        """Whether the figure asks for something."""
        return self.status in ("watch", "act")


def figure_text(one: StoredMeasurement, formats: Formats, newest: date | None) -> FigureText:
    """One figure as it is written.

    Args:
        one: the figure.
        formats: writes numbers.
        newest: as-of date of the newest list, None without one.
    """
    has_interval = one.low is not None and one.high is not None
    low = points(one.low or 0, formats) if one.name in _POINTS else written(one.name, one.low or 0, formats)
    ends = (low, written(one.name, one.high or 0, formats))
    return FigureText(
        name=one.name,
        part=_part(one, formats),
        value=None if one.value is None else written(one.name, one.value, formats),
        interval=ends if has_interval else None,
        counts=_counts(one, formats),
        status=one.status,
        badge=BADGES[one.status],
        is_final=one.is_final,
        next_step=one.next_step,
        rows=_rows(one, newest),
    )


def written(name: str, value: float, formats: Formats) -> str:
    """A value of the figure ``name``."""
    if name in _MONEY:
        return formats.money(value)
    if name in _POINTS:
        return formats.texts("dashboard.percentage_points", value=points(value, formats))
    if name in _SHARES:
        return f"{formats.number(100 * value, 1)}\u00a0%"
    return formats.number(value, digits_of(name))


def points(share: float, formats: Formats) -> str:
    """A difference of shares in percentage points, without its unit."""
    return formats.number(100 * share, 1)


def digits_of(name: str) -> int:
    """Decimals of the figure ``name``."""
    return _DIGITS.get(name, 0)


def _part(one: StoredMeasurement, formats: Formats) -> str:
    if one.name == "list_agent":
        return one.part.removeprefix("person:")
    if _DAY.fullmatch(one.part):
        return formats.date(date.fromisoformat(one.part))
    return one.part.replace("_", " ").replace("=", ": ")


def _counts(one: StoredMeasurement, formats: Formats) -> str:
    if one.name == "last_run":
        return "" if one.value is None else formats.texts("counts.last_run")
    if not one.denominator:  # nothing was counted, and nothing is divided by it
        return ""
    write = formats.money if one.name in MONEY_COUNTS else formats.number
    above = "" if one.numerator is None else write(one.numerator)
    if one.numerator is None and one.name not in ("score_drift", "feature_drift"):
        return ""
    if not one.is_final and one.name == "auc":
        return formats.texts("dashboard.expected_counts", above=above, below=write(one.denominator))
    return formats.texts(f"counts.{one.name}", above=above, below=write(one.denominator))


def _rows(one: StoredMeasurement, newest: date | None) -> str | None:
    """The page with the rows behind a figure."""
    if one.name == "last_run":
        return None if newest is None else "/list"
    found = rows_behind(one)
    return None if found is None else found.removeprefix("/api")
