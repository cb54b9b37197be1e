"""Whether the percentages can be trusted, overall and in groups."""

from __future__ import annotations

from collections.abc import Mapping

from churn_mlops.reporting.number_text import between, plural
from churn_mlops.reporting.report_data import Figure, Report

WIDE = 0.25
"""Half an interval of a ratio from which too few left to decide."""
WIDE_SLOPE = 0.5
"""The same of a calibration slope, whose interval is wider for as many churners."""


def calibration(report: Report) -> str:
    """Whether the percentages may be taken at face value, on the whole."""
    figure = report.metrics.get("observed_over_expected")
    if figure is None:
        return "Too few left to say whether the percentages hold."
    found = (
        f"For every 100 churners that the scores expect, {100 * figure.value:.0f} were observed "
        f"({100 * figure.low:.0f} to {100 * figure.high:.0f})."
    )
    if figure.low > 1:
        return f"{found} The percentages are too low."
    if figure.high < 1:
        return f"{found} The percentages are too high."
    if report.later is not None and (missed := _missed(report.later.metrics)):
        return f"{found} {missed}"
    if (figure.high - figure.low) / 2 > WIDE:
        return f"{found} Nothing speaks against the percentages, but too few left to say closely."
    return f"{found} On the whole, the percentages can be taken at face value."


def _missed(later: Mapping[str, Figure]) -> str:
    """Whether the percentages were wrong on later dates, which come closest to what lies ahead; blank if not."""
    figure = later.get("observed_over_expected")
    if figure is None or figure.low <= 1 <= figure.high:
        return ""
    return (
        f"But on later dates, {100 * figure.value:.0f} were observed for every 100 that a model of the past expected "
        f"({100 * figure.low:.0f} to {100 * figure.high:.0f}): expect percentages that are too "
        f"{'low' if figure.low > 1 else 'high'}."
    )


def slope(report: Report) -> str:
    """Whether high scores are too high and low ones too low."""
    figure = report.metrics.get("calibration_slope")
    if figure is None:
        return (
            "The calibration slope cannot be computed: the order of the scores says too little of who left, or all of "
            "it."
        )
    found = (
        f"The calibration slope is {figure.value:.2f} ({between(figure, lambda value: f'{value:.2f}')}); 1 is right."
    )
    if figure.high < 1:
        return f"{found} High scores are too high and low scores too low."
    if figure.low > 1:
        return f"{found} High scores are not high enough and low scores not low enough."
    if (figure.high - figure.low) / 2 > WIDE_SLOPE:
        return f"{found} Too few left to say whether high scores are exaggerated, or timid."
    return f"{found} Nothing says that high scores are exaggerated, or timid."


def misjudged(report: Report) -> str:
    """Whether any group is misjudged beyond chance."""
    wrong = [segment for segment in report.segments if segment.misjudged]
    looked, each = plural(len(report.segments), "group"), report.counts.each
    if not report.segments:
        return f"The test set has too few {each}s to look at groups."
    if not wrong:
        return f"None of {looked} of {each}s is misjudged beyond what chance brings."
    verb = "is" if len(wrong) == 1 else "are"
    return f"{len(wrong)} of {looked} of {each}s {verb} misjudged beyond what chance brings."
