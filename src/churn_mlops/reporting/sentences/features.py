"""The drivers of the scores."""

from __future__ import annotations

import math

from churn_mlops.reporting.number_text import between, level_words, listed, percent, plural, points, step_text
from churn_mlops.reporting.report_data import Effect, Report


def drivers(report: Report) -> str:
    """Which features matter most."""
    named = [effect.title for effect in report.effects if effect.importance]
    if not named:
        return "This version recorded nothing about its features."
    return f"Most is decided by {listed(named[:3])}."


def effect(shown: Effect, report: Report) -> str:
    """The two ends of one feature's curve."""
    cells = [cell for cell in shown.cells if cell.kind in ("level", "step")]
    if not cells:
        return f"Too few {report.counts.each}s of each kind to draw it."
    texts = [level_words(c.text) if c.kind == "level" else step_text(c.low, c.high, shown.unit) for c in cells]
    order = sorted(range(len(cells)), key=lambda place: cells[place].points.value)
    low, high = order[0], order[-1]
    if cells[high].points.value - cells[low].points.value < 0.1:
        return "Makes next to no difference."
    return (
        f"From {points(cells[low].points.value)} ({texts[low]}) to {points(cells[high].points.value)} ({texts[high]})."
    )


def missing_cell(shown: Effect, report: Report) -> str:
    """The effect of a missing value, if there are enough of them."""
    cell = next((cell for cell in shown.cells if cell.kind == "missing"), None)
    if cell is None:
        return ""
    held = plural(cell.rows, report.counts.each)
    return f"Not known: {points(cell.points.value)} ({between(cell.points, points)}), {held}."


def pairs(report: Report) -> str:
    """Which features say more together than apart."""
    strongest = report.interplays
    if not strongest:
        return "This model has no pairs: each feature adds to a score what it adds, whatever the others are."
    first = strongest[0]
    return (
        f"Some features say together what neither says alone. Most so {first.first} and {first.second}: their being "
        f"together typically multiplies or divides the odds of leaving by {odds_factor(first.strength):.2f}."
    )


def odds_factor(strength: float) -> float:
    """The factor on the odds of a contribution of ``strength`` in log-odds."""
    return math.exp(strength)


def base_share(report: Report) -> float:
    """Score of a customer whose contributions are all zero."""
    return 1 / (1 + math.exp(-report.subject.base))


def base(report: Report) -> str:
    """The base that the points of a curve are counted from, and why it is not the share who leave."""
    is_base = f"The base is the score of a customer whose contributions are all zero: {percent(base_share(report))}"
    if base_share(report) >= report.churn.value:
        return f"{is_base}."
    return (
        f"{is_base}. That is lower than the {percent(report.churn.value)} who left, since the few "
        f"{report.counts.each}s with high scores raise the mean."
    )
