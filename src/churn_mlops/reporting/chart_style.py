"""How every picture looks, and how it becomes an SVG: readable in black and white, on paper and on a phone."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import altair as alt
import vl_convert

WIDTH = 380
"""Pixels of every picture; a phone shows about 360, so that no text shrinks."""
INK, ACCENT, QUIET, FAINT = "#1b232d", "#0b4f79", "#5d6875", "#dfe3e8"
FONT = "Arial, Helvetica, Liberation Sans, sans-serif"
Rows = Sequence[dict[str, Any]]
PERCENT = "format(100 * datum.value, '.3~g') + ' %'"
POINTS = "datum.value == 0 ? '0' : format(datum.value, '+,.3~g')"
MONEY = "datum.value == 0 ? '0' : format(datum.value, '~s')"
_CONFIG = {
    "background": "transparent",
    "font": FONT,
    "aria": False,  # the title and description describe the picture as a whole
    "view": {"stroke": None},
    "axis": {
        "labelFontSize": 12,
        "titleFontSize": 12,
        "titleFontWeight": "normal",
        "titleColor": QUIET,
        "labelColor": QUIET,
        "gridColor": FAINT,
        "domain": False,
        "tickSize": 0,
        "labelPadding": 6,
        "titlePadding": 8,
        "labelFlush": False,
    },
    "text": {"fontSize": 12, "color": INK, "font": FONT},
    "title": {"fontSize": 14, "anchor": "start", "color": INK, "offset": 12},
}


@dataclass(frozen=True)
class Picture:
    """A chart with its title and a sentence for readers who cannot see it.

    ``name`` is its file's name, of letters, digits and hyphens; ``chart`` is in Vega-Lite.
    """

    name: str
    title: str
    description: str
    chart: dict[str, Any]


@dataclass(frozen=True)
class Axes:
    """The two axes of a picture: what they are called, how their numbers are written, their scales."""

    x: dict[str, Any]
    y: dict[str, Any]

    def on(self, base: alt.Chart, x: str = "x:Q", y: str = "y:Q", **more: Any) -> alt.Chart:
        """``base`` drawn along these axes."""
        chart: alt.Chart = base.encode(x=alt.X(x, **self.x), y=alt.Y(y, **self.y), **more)
        return chart


def table(rows: Rows) -> alt.Chart:
    """A chart of ``rows``, still without marks."""
    return alt.Chart(alt.InlineData(values=list(rows)))


def curve_band(rows: Rows, axes: Axes, *, step: bool = False) -> list[alt.Chart]:
    """A curve of x and y with the band from low to high behind it."""
    shape: Literal["step-after", "linear"] = "step-after" if step else "linear"
    band = table(rows).mark_area(color=ACCENT, opacity=0.2, interpolate=shape)
    line = table(rows).mark_line(color=ACCENT, strokeWidth=2.5, interpolate=shape)
    return [axes.on(band, y="low:Q", y2="high:Q"), line.encode(x="x:Q", y="y:Q")]


def dashed(rows: Rows) -> alt.Chart:
    """A line to compare with."""
    line = table(rows).mark_line(color=QUIET, strokeWidth=1.5, strokeDash=[5, 4])
    chart: alt.Chart = line.encode(x="x:Q", y="y:Q")
    return chart


def label(x: Any, y: Any, text: str, **style: Any) -> list[alt.Chart]:
    """Words beside a curve, in place of a legend; where ``x`` or ``y`` is an ``alt.value``, pixels."""
    place = {name: value for name, value in (("x", x), ("y", y)) if isinstance(value, float)}
    base = table([{"text": text} | place])
    return written(base.encode(x="x:Q" if "x" in place else x, y="y:Q" if "y" in place else y, text="text:N"), **style)


def written(base: alt.Chart, **style: Any) -> list[alt.Chart]:
    """The texts of ``base`` with white around them, so that they are read on lines and bands too."""
    style = {"align": "left", "baseline": "middle", "color": INK} | style
    halo = style | {"color": "white", "stroke": "white", "strokeWidth": 4, "strokeJoin": "round"}
    return [base.mark_text(**halo), base.mark_text(**style)]


def layered(charts: Sequence[alt.Chart], height: int = 250) -> dict[str, Any]:
    """The Vega-Lite specification of ``charts`` on top of each other, with their axes as wide as every picture."""
    layers = alt.LayerChart(layer=list(charts), width=WIDTH, height=height)
    fit = {"type": "fit", "contains": "padding"}
    return layers.to_dict(validate=False) | {"autosize": fit, "padding": 4, "config": _CONFIG}


def inline_svg(picture: Picture) -> str:
    """``picture`` as an SVG element that scales with its place and says what it shows."""
    svg = vl_convert.vegalite_to_svg(picture.chart, allowed_base_urls=[])
    return _scaling(svg, picture)


def files(picture: Picture) -> dict[str, bytes]:
    """``picture`` under its title as files: SVG, and PNG at twice the size."""
    spec = picture.chart | {"title": picture.title, "background": "white"}
    svg = vl_convert.vegalite_to_svg(spec, allowed_base_urls=[])
    png = vl_convert.vegalite_to_png(spec, scale=2, allowed_base_urls=[])
    return {f"{picture.name}.svg": svg.encode(), f"{picture.name}.png": png}


def _scaling(svg: str, picture: Picture) -> str:
    opening, _, rest = svg.partition(">")
    box = opening.partition('viewBox="')[2].partition('"')[0]
    # Several pictures stand on one page: what one names must not be found by another.
    rest = re.sub(r'(id="|url\(#)', rf"\g<1>{picture.name}-", rest)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="{box}" width="100%" role="img" '
        f'aria-labelledby="{picture.name}-title {picture.name}-desc">'
        f'<title id="{picture.name}-title">{html.escape(picture.title)}</title>'
        f'<desc id="{picture.name}-desc">{html.escape(picture.description)}</desc>{rest}'
    )
