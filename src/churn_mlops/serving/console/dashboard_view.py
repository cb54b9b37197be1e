"""The dashboard as plain values: its sections, the text of each figure, and its charts."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from churn_mlops.serving.api.dashboard import rows_behind
from churn_mlops.serving.console.frame.formats import Formats
from churn_mlops.store.campaigns.campaigns import Campaign
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

SECTIONS = {
    "model": ("auc", "calibration", "top_decile_calibration", "top_decile_lift", "log_loss", "score_drift"),
    "risk": ("customers_at_risk", "revenue_at_risk"),
    "use": ("list_worked", "last_run"),
}
"""The figures of the cards, in their order; those of campaigns and tables come beside them."""
TABLES = ("churn_by_band", "churn_by_cohort", "churn_by_level", "list_skipped", "list_agent")
CHARTS = ("auc", "calibration")
BADGES = {"good": "low", "watch": "medium", "act": "high", "too_little": "plain"}
WIDTH, HEIGHT, EDGE = 600.0, 160.0, 12.0
_SHARES = (
    "customers_at_risk", "revenue_at_risk", "list_worked", "stayed_treated", "stayed_control", "success", *TABLES,
)  # fmt: skip
_MONEY = ("roi",)
_MONEY_COUNTS = ("roi", "revenue_at_risk")
_DIGITS = {"auc": 3, "log_loss": 3, "score_drift": 3, "top_decile_lift": 1, "last_run": 1}


@dataclass(frozen=True)
class FigureText:
    """One figure, as it is written.

    Args:
        name: the key of its texts.
        part: what it is about, for people.
        value: None where there is too little data.
        interval: its two ends; None where there is none.
        counts: numerator and denominator; None where it is no ratio.
        status: the key of its badge.
        badge: the colour of the badge, beside its words.
        is_final: False for an estimate.
        next_step: what to do next.
        rows: address of the rows behind it, None where they come from several dates.
    """

    name: str
    part: str
    value: str | None
    interval: tuple[str, str] | None
    counts: tuple[str, str] | None
    status: str
    badge: str
    is_final: bool
    next_step: str
    rows: str | None


@dataclass(frozen=True)
class Point:
    """A point of a chart; coordinates within `WIDTH` and `HEIGHT`, from the upper left."""

    x: float
    y: float
    low: float | None
    high: float | None
    is_final: bool
    as_of: date
    text: str


@dataclass(frozen=True)
class Chart:
    """A figure over time.

    Args:
        name: of the figure.
        points: the earliest first.
        bottom: value of the lower edge, as it is written.
        top: value of the upper edge.
    """

    name: str
    points: Sequence[Point]
    bottom: str
    top: str

    @property
    def line(self) -> str:
        """The final points as an SVG polyline has them."""
        return " ".join(f"{one.x:.1f},{one.y:.1f}" for one in self.points if one.is_final)


@dataclass(frozen=True)
class CampaignFigures:
    """A campaign with its figures.

    Args:
        campaign: the campaign.
        figures: both arms, success and return.
    """

    campaign: Campaign
    figures: Sequence[FigureText]


@dataclass(frozen=True)
class DashboardView:
    """The dashboard.

    Args:
        sections: figures by section.
        campaigns: the newest first.
        charts: figures over time.
        tables: figures by segment, reason and agent.
    """

    sections: dict[str, list[FigureText]]
    campaigns: list[CampaignFigures]
    charts: list[Chart]
    tables: dict[str, list[FigureText]]


def dashboard_view(day: MeasuredDay, campaigns: Iterable[Campaign], formats: Formats) -> DashboardView:
    """The dashboard of a date.

    Args:
        day: the figures.
        campaigns: all campaigns, the first to start first.
        formats: writes numbers.
    """
    whole = [
        one for one in day.figures if not one.part or one.name in (*SECTIONS["risk"], "score_drift", "list_worked")
    ]
    sections = {
        section: [_text(one, formats) for name in names for one in whole if one.name == name]
        for section, names in SECTIONS.items()
    }
    of_campaigns = [
        CampaignFigures(one, [_text(found, formats) for name in ("success", "roi", "stayed_treated", "stayed_control")
                              for found in day.figures if (found.name, found.part) == (name, str(one.id))])
        for one in reversed(list(campaigns))
    ]  # fmt: skip
    tables = {name: [_text(one, formats) for one in day.figures if one.name == name] for name in TABLES}
    return DashboardView(
        sections,
        [one for one in of_campaigns if one.figures],
        [chart for name in CHARTS if (chart := _chart(name, day.figures, formats)) is not None],
        {name: found for name, found in tables.items() if found},
    )


def _text(one: StoredMeasurement, formats: Formats) -> FigureText:
    has_interval = one.low is not None and one.high is not None
    has_counts = one.numerator is not None and one.denominator is not None
    return FigureText(
        one.name,
        one.part,
        None if one.value is None else _written(one.name, one.value, formats),
        (_written(one.name, one.low or 0, formats), _written(one.name, one.high or 0, formats))
        if has_interval
        else None,
        (_count(one.name, one.numerator or 0, formats), _count(one.name, one.denominator or 0, formats))
        if has_counts
        else None,
        one.status,
        BADGES[one.status],
        one.is_final,
        one.next_step,
        rows_behind(one),
    )


def _written(name: str, value: float, formats: Formats) -> str:
    if name in _MONEY:
        return formats.money(value)
    if name in _SHARES:
        return f"{formats.number(100 * value, 1)}\u00a0%"
    return formats.number(value, _DIGITS.get(name, 0))


def _count(name: str, value: float, formats: Formats) -> str:
    return formats.money(value) if name in _MONEY_COUNTS else formats.number(value)


def _chart(name: str, figures: Iterable[StoredMeasurement], formats: Formats) -> Chart | None:
    """The figure of each date; None where there are fewer than three."""
    dated = sorted((one for one in figures if one.name == name and one.part and one.value is not None), key=_part)
    if len(dated) < 3:
        return None
    values = [value for one in dated for value in (one.value, one.low, one.high) if value is not None]
    low, high = min(values), max(values)
    first, last = date.fromisoformat(dated[0].part), date.fromisoformat(dated[-1].part)

    def y(value: float) -> float:
        return HEIGHT - EDGE - (value - low) / ((high - low) or 1.0) * (HEIGHT - 2 * EDGE)

    def end(value: float | None) -> float | None:
        return None if value is None else y(value)

    def point(one: StoredMeasurement) -> Point:
        as_of = date.fromisoformat(one.part)
        x = EDGE + (as_of - first).days / max((last - first).days, 1) * (WIDTH - 2 * EDGE)
        return Point(
            x,
            y(one.value or 0),
            end(one.low),
            end(one.high),
            one.is_final,
            as_of,
            _written(name, one.value or 0, formats),
        )

    return Chart(name, [point(one) for one in dated], _written(name, low, formats), _written(name, high, formats))


def _part(one: StoredMeasurement) -> str:
    return one.part
