"""The figures of the weekly report as they are written, and the report as a chat's text."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

TITLES = {
    "auc": "AUC: is the order of the list right?",
    "calibration": "Churners for 100 that the scores expect",
    "top_decile_calibration": "The same in the top tenth",
    "top_decile_lift": "Lift in the top tenth",
    "log_loss": "Log loss",
    "score_drift": "Drift of the scores",
    "success": "Stayed: offer less control group",
    "roi": "Money in less money out, USD (estimate)",
    "customers_at_risk": "Customers at risk",
    "revenue_at_risk": "Revenue at risk",
    "list_worked": "List worked",
    "list_today": "Today's list so far",
    "last_run": "Hours since the last run",
}
"""The figures of the report, in their order."""
COUNTS = {
    "auc": "{} of {} customers churned",
    "calibration": "{} customers churned, {} were expected",
    "top_decile_calibration": "{} customers churned, {} were expected",
    "top_decile_lift": "{} of the {} customers in the top tenth churned",
    "log_loss": "{} of {} customers churned",
    "success": "{} customers kept, of {} treated customers with final labels",
    "roi": "{} USD in, {} USD out",
    "customers_at_risk": "{} of {} customers",
    "revenue_at_risk": "{} of {} USD of customer value",
    "list_worked": "{} of {} listed customers",
    "list_today": "{} of {} customers on today's list",
}
"""The counts above and below the line of each figure."""
STATUSES = {"good": "Good", "watch": "Watch", "act": "Act", "too_little": "Too little data"}
_POINTS = " percentage points"
_SHARES = ("customers_at_risk", "revenue_at_risk", "list_worked", "list_today")
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
    lines = [f"Churn, week to {day.measured_on}"]
    for row in weekly_rows(day, campaigns):
        lines.append(f"[{row.status}] {row.title}: {row.value}{row.interval}. {row.next_step}")
    return "\n".join(lines)


def weekly_rows(day: MeasuredDay, campaigns: Mapping[int, str]) -> list[WeeklyRow]:
    """The figures of the report, in their order; the arguments are those of :func:`weekly_text`."""
    return [_row(one, campaigns) for one in _shown(day)]


def _shown(day: MeasuredDay) -> list[StoredMeasurement]:
    def is_shown(one: StoredMeasurement) -> bool:
        return not one.part or one.name in (*_DATED, "success", "roi")

    return [one for name in TITLES for one in day.figures if one.name == name and is_shown(one)]


def _row(one: StoredMeasurement, campaigns: Mapping[int, str]) -> WeeklyRow:
    of_campaign = f" ({campaigns.get(int(one.part), one.part)})" if one.name in ("success", "roi") else ""
    interval = interval_text(one)
    has_counts = one.numerator is not None and bool(one.denominator)
    return WeeklyRow(
        name=one.name,
        title=TITLES[one.name] + of_campaign,
        value="too little data" if one.value is None else written(one.name, one.value),
        interval=f" (95 % interval {interval})" if interval else "",
        counts=COUNTS.get(one.name, "{} of {}").format(f"{one.numerator:,.0f}", f"{one.denominator:,.0f}")
        if has_counts
        else "",
        status=STATUSES[one.status],
        next_step=one.next_step,
    )


def interval_text(one: StoredMeasurement) -> str:
    """The two ends of the interval of a figure, empty where there is none."""
    if one.low is None or one.high is None:
        return ""
    return f"{written(one.name, one.low).removesuffix(_POINTS)} to {written(one.name, one.high)}"


def written(name: str, value: float) -> str:
    """A value of the figure ``name``."""
    if name == "success":
        return f"{100 * value:.1f}{_POINTS}"
    if name in _SHARES:
        return f"{100 * value:.1f} %"
    if name == "last_run":
        return f"{value:,.1f}"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3f}"
