"""The plain sentences of a report: one for each thing it shows, the same on the page and in the model card."""

from __future__ import annotations

import math

from churn_mlops.reporting.facts import Effect, Figure, Length, Report
from churn_mlops.reporting.money import Money
from churn_mlops.reporting.words import between, level_words, listed, percent, plural, points, step_text, usd, whole
from churn_mlops.reporting.words import length as length_words

MODEL_TYPES = {
    "additive_boosting": (
        "an additive model of boosted trees: one table for each feature and each strong pair, so every score is "
        "exactly the sum of its reasons"
    ),
    "logistic_regression": (
        "a logistic regression: one line for each number and one value for each level, so every score is exactly the "
        "sum of its reasons"
    ),
    "boosting": "boosted trees, which may join many features at once; the reasons of a score add up to it (TreeSHAP)",
    "random_forest": (
        "a random forest, which may join many features at once; the reasons of a score add up to it (TreeSHAP)"
    ),
}
TOP = 0.1
WIDE = 0.25
"""Half an interval of a ratio from which too few left to tell."""


def length_near(report: Report, share: float) -> Length:
    """The judged list whose length comes nearest to ``share`` of the customers."""
    return min(report.lengths, key=lambda length: abs(length.share - share))


def leaving(length: Length) -> Figure:
    """Share of the customers on a list who left."""
    figure = length.leavers
    return Figure(
        value=figure.value / length.share,
        low=figure.low / length.share,
        high=min(1.0, figure.high / length.share),
    )


def set_aside_rate(report: Report) -> float:
    """Share of the customers set aside who left."""
    return report.counts.set_aside_left / report.counts.set_aside


def about(report: Report) -> str:
    """What is predicted, from what."""
    subject, counts = report.subject, report.counts
    return (
        f"The model says how likely each customer is to leave within {plural(subject.horizon_days, 'day')}. It learnt "
        f"from {plural(counts.trained_on, 'customer')} ({whole(counts.trained_on_left)} of them left) and "
        f"{plural(len(report.columns), 'feature')}. It was then judged on {whole(counts.set_aside)} other customers "
        f"whom no version ever learns from ({whole(counts.set_aside_left)} left): all figures below are theirs, unless "
        "said otherwise."
    )


def ranking(report: Report) -> str:
    """How well the order of the customers holds."""
    top = length_near(report, TOP)
    left, random = leaving(top), set_aside_rate(report)
    return (
        f"Of 100 customers from the top {percent(top.share, 0)} of the list, {_of_100(left.value)} left "
        f"({_of_100(left.low)} to {_of_100(left.high)}); of 100 taken at random, {_of_100(random)} did."
    )


def gains(report: Report) -> str:
    """Where the leavers stand in the order."""
    top = length_near(report, 2 * TOP)
    return (
        f"The top {percent(top.share, 0)} of the list holds {percent(top.captured.value, 0)} of all leavers "
        f"({between(top.captured, percent)}); a random {percent(top.share, 0)} would hold "
        f"{percent(top.share, 0)}."
    )


def lift(report: Report) -> str:
    """How much denser leavers stand at the top than on average."""
    figure = report.metrics.get("lift_top_decile")
    if figure is None:
        return "Too few left to say how dense the leavers stand at the top."
    told = "" if figure.low > 1 else " The interval includes 1: from so few leavers, chance alone may have done this."
    return (
        f"In the top tenth of the list, leavers are {figure.value:.1f} times as frequent as on average "
        f"({between(figure, lambda value: f'{value:.1f}')}).{told}"
    )


def roc(report: Report) -> str:
    """What the leavers found cost in false alarms."""
    point = min(report.roc, key=lambda each: abs(each.x - TOP))
    return (
        f"Where {percent(point.x, 0)} of the stayers are taken for leavers, {percent(point.y.value, 0)} of the leavers "
        f"are found ({between(point.y, percent)})."
    )


def order(report: Report) -> str:
    """What the area under the ROC curve means."""
    figure = report.metrics.get("auc")
    if figure is None:
        return "Too few left to measure this curve."
    return (
        f"Of one customer who left and one who stayed, the leaver has the higher score in {percent(figure.value, 0)} "
        f"of all such pairs ({between(figure, percent)}); a coin would do it in 50\u00a0%. "
        "This is the area under the curve (AUC)."
    )


def precision_recall(report: Report) -> str:
    """What it costs to find half of the leavers."""
    half = min(report.precision_recall, key=lambda point: abs(point.x - 0.5))
    return (
        f"To find half of all leavers, one has to look at customers of whom {percent(half.y.value, 0)} leave "
        f"({between(half.y, percent)}); at random it would be {percent(set_aside_rate(report))}."
    )


def calibration(report: Report) -> str:
    """Whether the percentages may be taken at face value, on the whole."""
    figure = report.metrics.get("observed_over_expected")
    if figure is None:
        return "Too few left to say whether the percentages hold."
    found = (
        f"For every 100 leavers that the scores expect, {100 * figure.value:.0f} were observed "
        f"({100 * figure.low:.0f} to {100 * figure.high:.0f})."
    )
    if figure.low > 1:
        return f"{found} The percentages are too low."
    if figure.high < 1:
        return f"{found} The percentages are too high."
    if (figure.high - figure.low) / 2 > WIDE:
        return f"{found} Nothing speaks against the percentages, but too few left to tell closely."
    return f"{found} On the whole, the percentages can be taken at face value."


def slope(report: Report) -> str:
    """Whether high scores are too high and low ones too low."""
    figure = report.metrics.get("calibration_slope")
    if figure is None:
        return ""
    found = (
        f"The calibration slope is {figure.value:.2f} ({between(figure, lambda value: f'{value:.2f}')}); 1 is right."
    )
    if figure.high < 1:
        return f"{found} High scores are too high and low scores too low."
    if figure.low > 1:
        return f"{found} High scores are not high enough and low scores not low enough."
    return f"{found} Nothing says that high scores are exaggerated, or timid."


def drivers(report: Report) -> str:
    """Which features matter most."""
    named = [effect.title for effect in report.effects if effect.importance]
    if not named:
        return "This version recorded nothing about its features."
    return f"Most is decided by {listed(named[:3])}."


def effect(shown: Effect) -> str:
    """The two ends of one feature's curve."""
    cells = [cell for cell in shown.cells if cell.kind in ("level", "step")]
    if not cells:
        return "Too few customers of each kind to draw it."
    texts = [level_words(c.text) if c.kind == "level" else step_text(c.low, c.high, shown.unit) for c in cells]
    order = sorted(range(len(cells)), key=lambda place: cells[place].points.value)
    low, high = order[0], order[-1]
    if cells[high].points.value - cells[low].points.value < 0.1:
        return "Makes next to no difference."
    return (
        f"From {points(cells[low].points.value)} ({texts[low]}) to {points(cells[high].points.value)} ({texts[high]})."
    )


def missing_cell(shown: Effect) -> str:
    """What a missing value does, where there are enough of them."""
    cell = next((cell for cell in shown.cells if cell.kind == "missing"), None)
    if cell is None:
        return ""
    return f"Not known: {points(cell.points.value)} ({between(cell.points, points)}), {plural(cell.rows, 'customer')}."


def misjudged(report: Report) -> str:
    """Whether any group is misjudged beyond chance."""
    wrong = [segment for segment in report.segments if segment.misjudged]
    looked = plural(len(report.segments), "group")
    if not report.segments:
        return "Too few customers were set aside to look at groups."
    if not wrong:
        return f"None of {looked} of customers is misjudged beyond what chance brings."
    verb = "is" if len(wrong) == 1 else "are"
    return f"{len(wrong)} of {looked} of customers {verb} misjudged beyond what chance brings."


def churn_costs(report: Report, money: Money) -> str:
    """What churn costs the company in a year."""
    return (
        f"Of {whole(money.customers)} customers, {percent(money.rate.value)} leave in a month: about "
        f"{whole(money.leavers.value)}. At {usd(money.economics.value)} each, that is {usd(money.year_cost.value)} a "
        f"year ({between(money.year_cost, usd)})."
    )


def list_earns(money: Money) -> str:
    """What the best list would earn."""
    kept = percent(money.economics.kept_share)
    best = money.best
    if best is None:
        return (
            f"With these settings no list of {length_words(money.lists[0].share)} of the customers or more is expected "
            f"to earn anything: its offers would cost more than they bring, if an offer keeps {kept} of would-be leavers."
        )
    doubt = "" if best.net.low > 0 else " The interval includes a loss: so few left that this is not certain."
    return (
        f"An offer to the {whole(best.contacts)} customers on top ({length_words(best.share)}) would earn "
        f"{usd(best.net.value)} net of offers ({between(best.net, usd)}), if an offer keeps {kept} of would-be "
        f"leavers. That share is assumed until it is measured.{doubt}"
    )


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


def shown(report: Report) -> str:
    """How many columns the model was shown, and how much of them is missing."""
    gaps = [column for column in report.columns if column.missing > 0]
    text = f"The model was shown {plural(len(report.columns), 'feature')}"
    text += f"; {plural(len(report.unseen), 'column was', 'columns were')} set aside." if report.unseen else "."
    if not gaps:
        return f"{text} Nothing is missing in them."
    worst = max(gaps, key=lambda column: column.missing)
    return f"{text} {len(gaps)} of them have gaps, {worst.title} the most: {percent(worst.missing)} missing."


def odds_factor(strength: float) -> float:
    """What a contribution of ``strength`` in log-odds multiplies the odds by."""
    return math.exp(strength)


def model_type(report: Report) -> str:
    """What kind of model it is."""
    name = report.subject.model_type
    return f"{level_words(name)}: {MODEL_TYPES[name]}" if name in MODEL_TYPES else level_words(name)


def base_share(report: Report) -> float:
    """Score of the average customer."""
    return 1 / (1 + math.exp(-report.subject.base))


def limits(report: Report) -> list[tuple[str, str]]:
    """What no figure of the report can tell."""
    days = plural(report.subject.horizon_days, "day")
    few = report.counts.set_aside_left
    return [
        ("Causes.", "What goes with leaving need not bring it about: changing a feature need not change who leaves."),
        (
            "Savings.",
            "Whom an offer keeps is assumed until it is measured: hold some customers back at random, and compare.",
        ),
        (
            "The time after.",
            f"A score is about {days}. It says nothing of later, and grows old as customers and offers change.",
        ),
        (
            "Other customers.",
            f"All figures are of {whole(report.counts.set_aside)} customers set aside; others may differ.",
        ),
        ("Chance.", f"{whole(few)} of them left. Small differences between two versions, or two groups, may be luck."),
        (
            "What is not in the data.",
            "Moving house, a rival's offer, a bad call: who leaves for reasons no column holds is missed.",
        ),
    ]


def lift_of(length: Length) -> Figure:
    """How many times as frequent leavers are on a list as on average."""
    share, figure = length.share, length.captured
    return Figure(value=figure.value / share, low=figure.low / share, high=figure.high / share)


def _of_100(share: float) -> str:
    return percent(share, 0 if share >= 0.1 else 1).removesuffix("\u00a0%")
