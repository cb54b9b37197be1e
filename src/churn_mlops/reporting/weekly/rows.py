"""The figures of the weekly report as they are written, and the report as a chat's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from churn_mlops.reporting.number_text import MINUS
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

TITLES = {
    "auc": "AUC: is the order of the list right?",
    "calibration": "Churners for 100 expected",
    "top_decile_calibration": "Churners for 100 expected, top tenth",
    "top_decile_lift": "Lift in the top tenth",
    "log_loss": "Log loss",
    "score_drift": "Drift of the scores",
    "feature_drift": "Drift by feature",
    "money_lost": "Money lost per month, since the model was new",
    "estimates_held": "Estimates that held",
    "success": "Stayed: offer less control group",
    "roi": "Money in less money out, estimated",
    "customers_at_risk": "Customers at risk",
    "revenue_at_risk": "Revenue at risk",
    "churn_by_cohort": "Churn by sign-up",
    "churn_by_level": "Churn by feature",
    "list_worked": "List worked",
    "list_today": "Today's list so far",
    "last_run": "Hours since the last run",
}
"""The figures of the report, in their order."""
GROUPS = {
    "Is the model right?": (
        "auc",
        "calibration",
        "top_decile_calibration",
        "top_decile_lift",
        "log_loss",
        "score_drift",
        "feature_drift",
        "money_lost",
        "estimates_held",
    ),
    "Do the offers work?": ("success", "roi"),
    "What is at risk?": ("customers_at_risk", "revenue_at_risk", "churn_by_cohort", "churn_by_level"),
    "Is the list used?": ("list_worked", "list_today", "last_run"),
}
"""The questions of the report, and the figures that answer each."""
COUNTS = {
    "auc": "{} of {} customers churned",
    "calibration": "{} churned, {} were expected",
    "top_decile_calibration": "{} churned, {} were expected",
    "top_decile_lift": "{} of the {} customers in the top tenth churned",
    "log_loss": "{} of {} customers churned",
    "score_drift": "{1} customers scored",
    "feature_drift": "{1} customers scored",
    "money_lost": "{} a month now, {} when the model was newer",
    "estimates_held": "{} of {} estimates with final labels",
    "success": "{} kept, of {} treated customers with final labels",
    "roi": "{} in, {} out",
    "customers_at_risk": "{} of {} customers",
    "revenue_at_risk": "{} of {} customer value",
    "churn_by_cohort": "{} of {} customers churned",
    "churn_by_level": "{} of {} customers churned",
    "list_worked": "{} of {} listed customers",
    "list_today": "{} of {} customers on today's list",
}
"""The counts above and below the line of each figure."""
STATUSES = {"good": "Good", "watch": "Watch", "act": "Act", "too_little": "Too little data"}
COLOURS = {
    "Good": ((226, 243, 232), (28, 98, 56)),
    "Watch": ((253, 240, 213), (122, 74, 0)),
    "Act": ((253, 232, 230), (163, 32, 26)),
    "Too little data": ((238, 241, 244), (27, 35, 45)),
}
"""Ground and ink of each status; its word is written in any case."""
INTERVALS = "Accuracy is of customers without an offer. Intervals are right for one look, not for a look every day."
_POINTS = " percentage points"
_STAND_OUT = ("watch", "act")
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_CHURN_BY = ("churn_by_cohort", "churn_by_level")
_BY_GROUP = ("feature_drift", *_CHURN_BY)
_SHARES = ("customers_at_risk", "revenue_at_risk", "list_worked", "list_today", "estimates_held", *_CHURN_BY)
_MONEY = ("roi", "revenue_at_risk", "money_lost")
_DIGITS = {"auc": 3, "log_loss": 3, "score_drift": 3, "feature_drift": 3, "top_decile_lift": 1, "last_run": 1}
"""Decimals, as the dashboard has them."""
_DATED = ("score_drift", "customers_at_risk", "revenue_at_risk", "list_worked", "list_today")


@dataclass(frozen=True)
class WeeklyRow:
    """A figure of the report, as it is written.

    Args:
        name: of the figure.
        title: what it is.
        value: the figure, or that there is too little data.
        interval: in brackets, empty where there is none.
        counts: what it is made of, empty where it is no ratio.
        status: in words.
        next_step: what to do next.
    """

    name: str
    title: str
    value: str
    interval: str
    counts: str
    status: str
    next_step: str


def weekly_text(day: MeasuredDay, campaigns: Mapping[int, str]) -> str:
    """The report as a few lines of text: every figure with its status and what to do next.

    Args:
        day: the figures.
        campaigns: the name of each campaign by its number.
    """
    lines = [title_of(day)]
    for row in weekly_rows(day, campaigns):
        lines.append(f"[{row.status}] {row.title}: {row.value}{row.interval}. {row.next_step}")
    return "\n".join(lines)


def weekly_rows(day: MeasuredDay, campaigns: Mapping[int, str]) -> list[WeeklyRow]:
    """The figures of the report, in their order; the arguments are those of :func:`weekly_text`."""
    return [_row(one, day, campaigns) for one in _shown(day)]


def title_of(day: MeasuredDay) -> str:
    """The title of the report."""
    return f"Churn, week to {date_words(day.measured_on)}"


def measured_text(day: MeasuredDay) -> str:
    """When the figures were measured, and of what they are."""
    at = day.measured_at
    return f"Measured on {date_words(at.date())}, {at:%H:%M UTC}. {INTERVALS}"


def date_words(day: date) -> str:
    """A date as the dashboard writes it."""
    return f"{_MONTHS[day.month - 1]} {day.day}, {day.year}"


def _shown(day: MeasuredDay) -> list[StoredMeasurement]:
    worst = [_worst(name, day) for name in _BY_GROUP]

    def is_shown(one: StoredMeasurement) -> bool:
        return not one.part or one.name in (*_DATED, "success", "roi") or one in worst

    return [one for name in TITLES for one in day.figures if one.name == name and is_shown(one)]


def _worst(name: str, day: MeasuredDay) -> StoredMeasurement | None:
    """The most urgent of the groups that stand out, the one with the highest value; None where none does."""
    found = [one for one in day.figures if one.name == name and one.status in _STAND_OUT]
    return max(found, key=lambda one: (one.status == "act", one.value or 0.0), default=None)


def _row(one: StoredMeasurement, day: MeasuredDay, campaigns: Mapping[int, str]) -> WeeklyRow:
    interval = interval_text(one)
    return WeeklyRow(
        name=one.name,
        title=TITLES[one.name] + _about(one, campaigns),
        value="too little data" if one.value is None else written(one.name, one.value),
        interval=f" (95 % interval {interval})" if interval else "",
        counts=_counts(one, day),
        status=STATUSES[one.status],
        next_step=one.next_step,
    )


def _about(one: StoredMeasurement, campaigns: Mapping[int, str]) -> str:
    if one.name in ("success", "roi"):
        return f" ({campaigns.get(int(one.part), one.part)})"
    return f" ({one.part.replace('_', ' ').replace('=', ': ')})" if one.name in _BY_GROUP else ""


def _counts(one: StoredMeasurement, day: MeasuredDay) -> str:
    if not one.denominator or (one.numerator is None and one.name not in ("score_drift", "feature_drift")):
        return ""
    write = _money if one.name in _MONEY else _whole
    text = COUNTS.get(one.name, "{} of {}").format(write(one.numerator or 0.0), write(one.denominator))
    if one.name not in _BY_GROUP:
        return text
    groups = [each.status in _STAND_OUT for each in day.figures if each.name == one.name]
    kind = "features" if one.name == "feature_drift" else "groups"
    return f"{text}; {sum(groups)} of {len(groups)} {kind} stand out"


def interval_text(one: StoredMeasurement) -> str:
    """The two ends of the interval of a figure, empty where there is none."""
    if one.low is None or one.high is None:
        return ""
    return f"{written(one.name, one.low).removesuffix(_POINTS)} to {written(one.name, one.high)}"


def written(name: str, value: float) -> str:
    """A value of the figure ``name``."""
    if name == "success":
        return f"{_signed(100 * value, 1)}{_POINTS}"
    if name in ("roi", "money_lost"):
        return _money(value)
    if name in _SHARES:
        return f"{_signed(100 * value, 1)} %"
    return _signed(value, _DIGITS.get(name, 0))


def _money(value: float) -> str:
    """An amount: whole from 100 on, below with cents."""
    text = _signed(value, 0 if abs(value) >= 100 else 2)
    return f"{MINUS}${text.removeprefix(MINUS)}" if text.startswith(MINUS) else f"${text}"


def _whole(value: float) -> str:
    return _signed(value, 0)


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    return text if value >= 0 or not text.strip("0.,") else MINUS + text
