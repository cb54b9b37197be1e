"""The weekly report: the figures of the dashboard as one HTML file that needs nothing else, and as a chat's text."""

from __future__ import annotations

from collections.abc import Mapping

import jinja2

from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

TITLES = {
    "auc": "AUC: is the order of the list right?",
    "calibration": "Churners for 100 that the scores expect",
    "top_decile_calibration": "The same in the top tenth",
    "top_decile_lift": "Lift in the top tenth",
    "log_loss": "Log loss",
    "score_drift": "Drift of the scores",
    "success": "Customers who stayed because of the offer",
    "roi": "Money in less money out, USD (estimate)",
    "customers_at_risk": "Customers at risk",
    "revenue_at_risk": "Revenue at risk",
    "list_worked": "List worked",
    "last_run": "Hours since the last run",
}
"""The figures of the report, in their order."""
STATUSES = {"good": "Good", "watch": "Watch", "act": "Act", "too_little": "Too little data"}
_SHARES = ("success", "customers_at_risk", "revenue_at_risk", "list_worked")
_DATED = ("score_drift", "customers_at_risk", "revenue_at_risk", "list_worked")


def weekly_html(day: MeasuredDay, campaigns: Mapping[int, str]) -> str:
    """The report as HTML.

    Args:
        day: the figures.
        campaigns: the name of each campaign by its number.
    """
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("churn_mlops.reporting"), autoescape=True, undefined=jinja2.StrictUndefined
    )
    rows = [_row(one, campaigns) for one in _shown(day)]
    return environment.get_template("weekly.html.j2").render(day=day, rows=rows)


def weekly_text(day: MeasuredDay, campaigns: Mapping[int, str]) -> str:
    """The report as a few lines of text: every figure with its status and what to do next."""
    lines = [f"Churn, week to {day.measured_on}"]
    for one in _shown(day):
        row = _row(one, campaigns)
        lines.append(f"[{row['status']}] {row['title']}: {row['value']}{row['interval']}. {row['next_step']}")
    return "\n".join(lines)


def _shown(day: MeasuredDay) -> list[StoredMeasurement]:
    def is_shown(one: StoredMeasurement) -> bool:
        return not one.part or one.name in (*_DATED, "success", "roi")

    return [one for name in TITLES for one in day.figures if one.name == name and is_shown(one)]


def _row(one: StoredMeasurement, campaigns: Mapping[int, str]) -> dict[str, str]:
    of_campaign = f" ({campaigns.get(int(one.part), one.part)})" if one.name in ("success", "roi") else ""
    has_counts = one.numerator is not None and one.denominator is not None
    return {
        "title": TITLES[one.name] + of_campaign,
        "value": "too little data" if one.value is None else _written(one.name, one.value),
        "interval": ""
        if one.low is None or one.high is None
        else f" (95 % interval {_written(one.name, one.low)} to {_written(one.name, one.high)})",
        "counts": f"{one.numerator:,.0f} of {one.denominator:,.0f}" if has_counts else "",
        "status": STATUSES[one.status],
        "next_step": one.next_step,
    }


def _written(name: str, value: float) -> str:
    if name in _SHARES:
        return f"{100 * value:.1f} %"
    return f"{value:,.0f}" if abs(value) >= 10 else f"{value:.3f}"
