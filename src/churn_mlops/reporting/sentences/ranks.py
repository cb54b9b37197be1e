"""How well the order of the customers holds."""

from __future__ import annotations

from churn_mlops.reporting.number_text import between, percent
from churn_mlops.reporting.report_data import Figure, Length, Report

TOP = 0.1


def length_near(report: Report, share: float) -> Length:
    """The evaluated list whose length comes nearest to ``share`` of the customers."""
    return min(report.lengths, key=lambda length: abs(length.share - share))


def leaving(length: Length) -> Figure:
    """Share of the customers on a list who left."""
    figure = length.churners
    return Figure(
        value=figure.value / length.share,
        low=figure.low / length.share,
        high=min(1.0, figure.high / length.share),
    )


def lift_of(length: Length) -> Figure:
    """How many times as frequent churners are on a list as on average."""
    share, figure = length.share, length.captured
    return Figure(value=figure.value / share, low=figure.low / share, high=figure.high / share)


def test_set_rate(report: Report) -> float:
    """Share of the test set who left."""
    return report.counts.set_aside_left / report.counts.set_aside


def ranking(report: Report) -> str:
    """How well the order of the customers holds."""
    top = length_near(report, TOP)
    left, random = leaving(top), test_set_rate(report)
    return (
        f"{_of_100(left.value)} of 100 customers from the top {percent(top.share, 0)} of the list left "
        f"({_of_100(left.low)} to {_of_100(left.high)}); at random, {_of_100(random)} of 100 did."
    )


def gains(report: Report) -> str:
    """The place of the churners in the order."""
    top = length_near(report, 2 * TOP)
    return (
        f"The top {percent(top.share, 0)} of the list holds {percent(top.captured.value, 0)} of all churners "
        f"({between(top.captured, percent)}); a random {percent(top.share, 0)} would hold "
        f"{percent(top.share, 0)}."
    )


def lift(report: Report) -> str:
    """How much denser churners stand at the top than on average."""
    figure = report.metrics.get("lift_top_decile")
    if figure is None:
        return "Too few left to say how dense the churners stand at the top."
    doubt = "" if figure.low > 1 else " The interval includes 1: from so few churners, chance alone may have done this."
    return (
        f"In the top tenth of the list, churners are {figure.value:.1f} times as frequent as on average "
        f"({between(figure, lambda value: f'{value:.1f}')}).{doubt}"
    )


def later(report: Report) -> str:
    """How a model of the past did on later dates, or why there was no such test; blank of a flat table."""
    found = report.later
    if found is None:
        return report.untested or ""
    auc, calibrated = found.metrics["auc"], found.metrics["observed_over_expected"]
    dates = found.tested_on[0] if len(found.tested_on) == 1 else f"{found.tested_on[0]} to {found.tested_on[-1]}"
    return (
        f"Fitted on dates up to {found.trained_until} and tested on {dates}, {found.gap_days} days or more later, the "
        f"same kind of model put the churner first in {percent(auc.value, 0)} of all pairs ({between(auc, percent)}); "
        f"for every 100 churners that it expected, {100 * calibrated.value:.0f} were observed "
        f"({100 * calibrated.low:.0f} to {100 * calibrated.high:.0f})."
    )


def order(report: Report) -> str:
    """The meaning of the area under the ROC curve."""
    figure = report.metrics.get("auc")
    if figure is None:
        return "Too few left to measure this curve."
    return (
        f"In {percent(figure.value, 0)} of all pairs of a churner and a retained customer, the churner has the higher "
        f"score ({between(figure, percent)}); a coin would do it in 50\u00a0%. "
        "This is the area under the curve (AUC)."
    )


def roc(report: Report) -> str:
    """The false alarms that the found churners cost."""
    point = min(report.roc, key=lambda each: abs(each.x - TOP))
    return (
        f"If {percent(point.x, 0)} of the retained customers are taken for churners, {percent(point.y.value, 0)} of "
        f"the churners are found ({between(point.y, percent)})."
    )


def precision_recall(report: Report) -> str:
    """The cost of finding half of the churners."""
    half = min(report.precision_recall, key=lambda point: abs(point.x - 0.5))
    return (
        f"On the list that holds half of all churners, {percent(half.y.value, 0)} of the customers leave "
        f"({between(half.y, percent)}); at random it would be {percent(test_set_rate(report))}."
    )


def _of_100(share: float) -> str:
    return percent(share, 0 if share >= 0.1 else 1).removesuffix("\u00a0%")
