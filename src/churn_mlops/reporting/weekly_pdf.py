"""The weekly report on paper: the same figures as the HTML, as text that can be searched, and charts as vectors."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import cast

from fpdf import FPDF

from churn_mlops.reporting.weekly import COLOURS, GROUPS, WeeklyRow, measured_text, title_of, weekly_rows
from churn_mlops.reporting.weekly_charts import draw_charts
from churn_mlops.store.measurements import MeasuredDay

FONT = "DejaVu"
INK, QUIET, LINE = (27, 35, 45), (82, 93, 106), (221, 226, 232)
MARGIN, LEFT, RIGHT = 18.0, 104.0, 70.0
"""Millimetres: the margin of the page, the widths of the two columns."""


class _Paper(FPDF):
    """A4 pages with their number at the foot."""

    def footer(self) -> None:
        """Called at the end of each page."""
        self.set_y(-14)
        self.set_text_color(*QUIET)
        self.set_font(FONT, size=8)
        self.cell(0, 6, f"{self.title} · page {self.page_no()} of {{nb}}", align="C")


def weekly_pdf(day: MeasuredDay, campaigns: Mapping[int, str]) -> bytes:
    """The report as PDF; the same figures give the same bytes.

    Args:
        day: the figures.
        campaigns: the name of each campaign by its number.
    """
    paper = _paper(day)
    rows = weekly_rows(day, campaigns)
    for question, names in GROUPS.items():
        found = [row for row in rows if row.name in names]
        _heading(paper, question, found)
        for row in found:
            _row(paper, row)
        if not found:
            _line(paper, "Nothing was measured yet.", QUIET, 9)
        if "auc" in names:
            draw_charts(paper, day)
    return bytes(paper.output())


def _paper(day: MeasuredDay) -> _Paper:
    paper = _Paper(format="A4")
    title = title_of(day)
    paper.set_title(title)
    paper.set_lang("en")
    paper.set_creation_date(day.measured_at)
    paper.set_margin(MARGIN)
    paper.set_auto_page_break(True, margin=18)
    for style, name in (("", "DejaVuSans.ttf"), ("B", "DejaVuSans-Bold.ttf")):
        paper.add_font(FONT, style, _fonts() / name)
    paper.add_page()
    _line(paper, title, INK, 18, bold=True)
    _line(paper, measured_text(day), QUIET, 9)
    return paper


def _fonts() -> Path:
    """The folder of the fonts that Matplotlib ships; it is found without importing it."""
    found = find_spec("matplotlib")
    if found is None or found.origin is None:
        raise AssertionError("matplotlib is a dependency of this package, and is not there")
    return Path(found.origin).parent / "mpl-data" / "fonts" / "ttf"


def _heading(paper: FPDF, text: str, rows: list[WeeklyRow]) -> None:
    """A question, on the page of its first figure."""
    if paper.will_page_break(14 + (_height(paper, rows[0]) if rows else 8)):
        paper.add_page()
    paper.ln(5)
    _line(paper, text, INK, 12, bold=True)
    paper.ln(1)


def _line(paper: FPDF, text: str, colour: tuple[int, int, int], size: float, *, bold: bool = False) -> None:
    paper.set_text_color(*colour)
    paper.set_font(FONT, "B" if bold else "", size)
    paper.multi_cell(0, size * 0.52, text, align="L", new_x="LMARGIN", new_y="NEXT")


def _height(paper: FPDF, row: WeeklyRow) -> float:
    """Millimetres that a figure takes: its left column has a title and up to three lines, its right one a next step."""
    paper.set_font(FONT, size=9)
    step = cast(float, paper.multi_cell(RIGHT, 4.6, row.next_step, dry_run=True, output="HEIGHT"))
    title = cast(float, paper.multi_cell(LEFT - 4, 4.6, row.title, dry_run=True, output="HEIGHT"))
    left = title + 7.5 + 4.4 * (bool(row.interval) + bool(row.counts))
    return max(left, 6.5 + step) + 5


def _row(paper: FPDF, row: WeeklyRow) -> None:
    height = _height(paper, row)
    if paper.will_page_break(height):
        paper.add_page()
    top = paper.get_y()
    paper.set_draw_color(*LINE)
    paper.set_line_width(0.2)
    paper.line(MARGIN, top, paper.w - MARGIN, top)
    paper.set_xy(MARGIN, top + 2)
    _left(paper, row)
    paper.set_xy(MARGIN + LEFT, top + 2)
    _right(paper, row)
    paper.set_xy(MARGIN, top + height)


def _left(paper: FPDF, row: WeeklyRow) -> None:
    def write(text: str, size: float, height: float, colour: tuple[int, int, int], style: str = "") -> None:
        paper.set_font(FONT, style, size)
        paper.set_text_color(*colour)
        paper.multi_cell(LEFT - 4, height, text, align="L", new_x="LEFT", new_y="NEXT")

    write(row.title, 9, 4.6, INK)
    write(row.value, 14, 7.5, INK, "B")
    for text in (row.interval.strip(" ()"), row.counts):
        if text:
            write(text, 8, 4.4, QUIET)


def _right(paper: FPDF, row: WeeklyRow) -> None:
    ground, ink = COLOURS[row.status]
    paper.set_font(FONT, "B", 8)
    width = paper.get_string_width(row.status) + 5
    paper.set_fill_color(*ground)
    paper.rect(paper.get_x(), paper.get_y(), width, 5, style="F", round_corners=True, corner_radius=2.4)
    left = paper.get_x()
    paper.set_text_color(*ink)
    paper.cell(width, 5, row.status, align="C", new_x="LEFT", new_y="NEXT")
    paper.set_xy(left, paper.get_y() + 1)
    paper.set_font(FONT, "", 9)
    paper.set_text_color(*INK)
    paper.multi_cell(RIGHT, 4.6, row.next_step, align="L", new_x="LEFT", new_y="NEXT")
