"""Panels and dashboards of Grafana as plain data, and their JSON, which Grafana's own builders make."""

from __future__ import annotations

import itertools
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.common import (
    BigValueColorMode,
    BigValueGraphMode,
    LegendDisplayMode,
    LegendPlacement,
    TooltipDisplayMode,
)
from grafana_foundation_sdk.models.dashboard import DashboardLinkType, DataSourceRef, Threshold, ThresholdsMode

PROMETHEUS = DataSourceRef(type_val="prometheus", uid="prometheus")
DOCS = "https://churn.example.com/docs"
"""Where the pages of `make site` are; each dashboard has a field to change it."""
HEIGHT, WIDTH = 8, 24
COLOURS = ("green", "orange", "red")


@dataclass(frozen=True)
class Panel:
    """One panel.

    Args:
        title: a few words.
        meaning: what it shows, and what is good; plain sentences.
        unit: of its values, an identifier of Grafana such as "s", "percentunit" or "short".
        page: of the docs that says what to do or how it is measured, without ending, such as "runbooks/no-model".
        queries: in PromQL, by their legend.
        kind: "number" is the present value, "lines" the values over time, "table" a row for each series.
        bounds: from the first on it is orange, from the second on red; the other way round where the first is larger.
        width: of 24 columns.
    """

    title: str
    meaning: str
    unit: str
    page: str
    queries: dict[str, str]
    kind: Literal["number", "lines", "table"] = "lines"
    bounds: tuple[float, ...] = ()
    width: int = 12


@dataclass(frozen=True)
class Dashboard:
    """One dashboard: rows of panels, each row under its title."""

    uid: str
    title: str
    meaning: str
    rows: dict[str, Sequence[Panel]]
    since: str = "now-6h"

    def text(self) -> str:
        """The text that Grafana reads from a folder, the same each time."""
        built = (
            dashboard.Dashboard(self.title)
            .uid(self.uid)
            .description(self.meaning)
            .tags(["churn"])
            .time(self.since, "now")
            .refresh("1m")
            .readonly()
            .with_variable(dashboard.TextBoxVariable("docs").label("Address of the docs").default_value(DOCS))
            .link(dashboard.DashboardLink("Churn").type(DashboardLinkType.DASHBOARDS).tags(["churn"]).keep_time(True))
        )
        number = itertools.count(1)
        for title, panels in self.rows.items():
            built = built.with_row(dashboard.Row(title).id(next(number)))
            for panel in panels:
                built = built.with_panel(_BUILDERS[panel.kind](panel).id(next(number)))
        made = json.loads(JSONEncoder().encode(built.build()))
        for variable in made["templating"]["list"]:
            for key in ("auto", "auto_count", "auto_min"):  # the builders write them; Grafana 12 knows them no more
                variable.pop(key, None)
        return json.dumps(made, indent=2, sort_keys=True, ensure_ascii=False) + "\n"


Built = stat.Panel | timeseries.Panel | table.Panel


def _number(panel: Panel) -> Built:
    colour = BigValueColorMode.VALUE if panel.bounds else BigValueColorMode.NONE
    last = common.ReduceDataOptions().calcs(["lastNotNull"])
    return _filled(stat.Panel().color_mode(colour).graph_mode(BigValueGraphMode.NONE).reduce_options(last), panel)


def _lines(panel: Panel) -> Built:
    legend = common.VizLegendOptions().display_mode(LegendDisplayMode.LIST).placement(LegendPlacement.BOTTOM)
    tooltip = common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI)
    return _filled(timeseries.Panel().legend(legend.show_legend(True)).tooltip(tooltip).fill_opacity(0), panel)


def _table(panel: Panel) -> Built:
    return _filled(table.Panel().show_header(True), panel)


_BUILDERS = {"number": _number, "lines": _lines, "table": _table}


def _filled(built: Built, panel: Panel) -> Built:
    built = built.title(panel.title).description(panel.meaning).unit(panel.unit).datasource(PROMETHEUS)
    built = built.height(HEIGHT if panel.kind == "lines" else HEIGHT // 2).span(panel.width)
    built = built.links([dashboard.DashboardLink("What to do").url(f"${{docs}}/{panel.page}.html").target_blank(True)])
    if panel.bounds:
        built = built.thresholds(dashboard.ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(_steps(panel.bounds)))
    for legend, expr in panel.queries.items():
        query = prometheus.Dataquery().expr(expr).legend_format(legend).datasource(PROMETHEUS)
        query = query.ref_id(chr(ord("A") + list(panel.queries).index(legend)))
        built = built.with_target(query.range() if panel.kind == "lines" else query.instant())
    return built


def _steps(bounds: tuple[float, ...]) -> list[Threshold]:
    """The colours from below to above; where a large value is good, red comes first."""
    falling = len(bounds) > 1 and bounds[0] > bounds[1]
    colours = COLOURS[::-1] if falling else COLOURS
    edges = sorted(bounds)
    return [Threshold(value=value, color=colour) for value, colour in zip((None, *edges), colours, strict=False)]
