"""The dashboard as plain values: a tile for each question, and below them the figures, charts and tables."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

from churn_mlops.serving.console.dashboard_chart import Chart, time_chart
from churn_mlops.serving.console.dashboard_figures import FigureText, figure_text
from churn_mlops.serving.console.frame.formats import Formats
from churn_mlops.store.campaigns.campaigns import Campaign
from churn_mlops.store.measurements import MeasuredDay, StoredMeasurement

SECTIONS = {
    "model": (
        "money_lost", "auc", "calibration", "top_decile_calibration", "top_decile_lift", "log_loss", "estimates_held",
        "score_drift",
    ),
    "risk": ("customers_at_risk", "revenue_at_risk"),
    "use": ("list_worked", "list_today", "last_run"),
}  # fmt: skip
"""The figures of the cards, in their order; those of campaigns and tables come beside them."""
OF_CAMPAIGN = ("success", "roi", "stayed_treated", "stayed_control")
TABLES = {
    "model": ("calibration_by_level", "auc_by_level", "feature_drift"),
    "risk": ("churn_by_band", "churn_by_cohort", "churn_by_level"),
    "use": ("list_skipped", "list_agent"),
}
CHARTS = ("auc", "calibration")
_SHOWN = frozenset(chain(OF_CAMPAIGN, CHARTS, *SECTIONS.values(), *TABLES.values()))
"""Other figures are measured for other readers, or by a newer version: they have no words here."""
_RANKS = ("act", "watch", "too_little", "good")
"""Statuses, the most urgent first."""
_NEWS = ("act", "good", "watch", "too_little")
"""Statuses of campaigns, in the order of their tile: what is proven first."""
_STAND_OUT = {"model": ("calibration_by_level", "auc_by_level"), "risk": ("churn_by_cohort", "churn_by_level")}
"""The tables whose groups may ask for something: drift alone costs nothing, so it heads no tile."""
_LATER = "money_lost"
"""The figure that a young model does not have for weeks: until it is known, the others answer the question."""
MOST_CAMPAIGNS = 3
"""Most campaigns that the tile names."""


@dataclass(frozen=True)
class CampaignFigures:
    """A campaign with its figures.

    Args:
        campaign: the campaign.
        figures: both arms, success and return.
    """

    campaign: Campaign
    figures: Sequence[FigureText]

    @property
    def verdict(self) -> FigureText | None:
        """Success or return: what asks to act, else what is proven, else success; None where neither is measured."""
        found = [one for one in self.figures if one.name in ("success", "roi")]
        return min(found, key=lambda one: _NEWS.index(one.status), default=None)


@dataclass(frozen=True)
class Tile:
    """The answer to one question.

    Args:
        section: the section that it heads.
        figure: the most urgent figure, groups included; None where nothing is measured.
        campaign: the name of its campaign, empty for other figures.
        campaigns: those that the tile names, each with its verdict, what is proven first.
        more: campaigns beside these.
        marked: groups that stand out.
        groups: all groups.
    """

    section: str
    figure: FigureText | None
    campaign: str = ""
    campaigns: Sequence[tuple[str, FigureText]] = ()
    more: int = 0
    marked: int = 0
    groups: int = 0


@dataclass(frozen=True)
class Week:
    """The figures of one date.

    Args:
        as_of: the date.
        figures: those of the charts, by name.
    """

    as_of: date
    figures: dict[str, FigureText]


@dataclass(frozen=True)
class DashboardView:
    """The dashboard.

    Args:
        tiles: one for each question.
        sections: figures by section.
        campaigns: the newest first.
        charts: figures over time.
        weeks: the same as a table, the newest first.
        tables: by section, figures by segment, reason and agent.
    """

    tiles: list[Tile]
    sections: dict[str, list[FigureText]]
    campaigns: list[CampaignFigures]
    charts: list[Chart]
    weeks: list[Week]
    tables: dict[str, dict[str, list[FigureText]]]


def dashboard_view(
    day: MeasuredDay, campaigns: Iterable[Campaign], formats: Formats, today: date, newest: date | None
) -> DashboardView:
    """The dashboard of a date.

    Args:
        day: the figures.
        campaigns: all campaigns, the first to start first.
        formats: writes numbers.
        today: by which campaigns run.
        newest: as-of date of the newest list, None without one.
    """
    texts = [(one, figure_text(one, formats, newest)) for one in day.figures if one.name in _SHOWN]
    whole = [
        text
        for one, text in texts
        if not one.part or one.name in (*SECTIONS["risk"], "score_drift", "list_worked", "list_today")
    ]
    sections = {
        section: [text for name in names for text in whole if text.name == name] for section, names in SECTIONS.items()
    }
    found = [_of_campaign(one, texts) for one in reversed(list(campaigns))]
    shown = [one for one in found if one.figures]
    tables = {
        section: {name: rows for name in names if (rows := _of_table(name, texts))} for section, names in TABLES.items()
    }
    charts = [chart for name in CHARTS if (chart := time_chart(name, day.figures, formats)) is not None]
    tiles = [_tile(section, sections[section], _groups(section, texts)) for section in SECTIONS]
    tiles.insert(1, _of_offers(shown, today))
    return DashboardView(tiles, sections, shown, charts, _weeks(texts), tables)


def _of_campaign(one: Campaign, texts: Sequence[tuple[StoredMeasurement, FigureText]]) -> CampaignFigures:
    part = str(one.id)
    figures = [text for name in OF_CAMPAIGN for found, text in texts if (found.name, found.part) == (name, part)]
    return CampaignFigures(one, figures)


def _of_table(name: str, texts: Sequence[tuple[StoredMeasurement, FigureText]]) -> list[FigureText]:
    """The rows of a table: features by their drift, the largest first, others by name."""
    found = [(one.value or 0.0, text) for one, text in texts if one.name == name]
    if name == "feature_drift":
        found.sort(key=lambda pair: -pair[0])
    return [text for _, text in found]


def _groups(section: str, texts: Sequence[tuple[StoredMeasurement, FigureText]]) -> list[FigureText]:
    """The groups of a section that may stand out, the highest value first."""
    found = [(one.value or 0.0, text) for one, text in texts if one.name in _STAND_OUT.get(section, ())]
    return [text for _, text in sorted(found, key=lambda pair: -pair[0])]


def _tile(section: str, figures: Sequence[FigureText], groups: Sequence[FigureText]) -> Tile:
    marked = [one for one in groups if one.stands_out]
    known = [one for one in figures if one.name != _LATER or one.status != "too_little"]
    worst = min([*known, *marked], key=_urgency, default=None)
    return Tile(section, worst, marked=len(marked), groups=len(groups))


def _of_offers(campaigns: Sequence[CampaignFigures], today: date) -> Tile:
    running = sorted(campaigns, key=lambda one: one.campaign.state(today) != "running")
    found = [(one.campaign.name, one.verdict) for one in running if one.verdict is not None]
    found.sort(key=lambda one: _NEWS.index(one[1].status))
    if not found:
        return Tile("offers", None)
    name, worst = min(found, key=lambda one: _urgency(one[1]))
    return Tile("offers", worst, name, found[:MOST_CAMPAIGNS], max(len(found) - MOST_CAMPAIGNS, 0))


def _urgency(figure: FigureText) -> int:
    return _RANKS.index(figure.status)


def _weeks(texts: Sequence[tuple[StoredMeasurement, FigureText]]) -> list[Week]:
    found: dict[str, dict[str, FigureText]] = {}
    for one, text in texts:
        if one.name in CHARTS and one.part:
            found.setdefault(one.part, {})[one.name] = text
    return [Week(date.fromisoformat(part), figures) for part, figures in sorted(found.items(), reverse=True)]
