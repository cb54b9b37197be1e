"""The target of the predictions, the model, its data, and the limits of every figure."""

from __future__ import annotations

from churn_mlops.data.contract import Label
from churn_mlops.reporting.number_text import level_words, percent, plural, rows_of, whole
from churn_mlops.reporting.report_data import Report

DEFAULT_DAYS: int = Label.model_fields["horizon_days"].default
MODEL_TYPES = {
    "additive_boosting": (
        "an additive model of boosted trees: one table for each feature and each strong pair, so every score is "
        "exactly the sum of its reasons"
    ),
    "logistic_regression": (
        "a logistic regression: one line for each number and one value for each level, so every score is exactly the "
        "sum of its reasons"
    ),
    "boosting": "boosted trees, which may join many features; the reasons of a score add up to it (TreeSHAP)",
    "random_forest": ("a random forest, which may join many features; the reasons of a score add up to it (TreeSHAP)"),
}


def about(report: Report) -> str:
    """The target of the predictions, and the data behind them."""
    subject, counts = report.subject, report.counts
    return (
        f"The model says how likely each customer is to leave within {plural(subject.horizon_days, 'day')}. It was "
        f"trained on {rows_of(counts.trained_on, counts.trained_on_customers)} ({whole(counts.trained_on_left)} of "
        f"them left) and {plural(len(report.columns), 'feature')}. It was then evaluated on the test set, "
        f"which no version trains on: {rows_of(counts.set_aside, counts.set_aside_customers)} "
        f"({whole(counts.set_aside_left)} left). All figures below are from the test set, unless stated otherwise."
    )


def horizon(report: Report) -> str:
    """The figures that depend on a horizon that the contract does not state; blank if it does."""
    subject = report.subject
    if subject.horizon_stated or subject.horizon_days != DEFAULT_DAYS:
        return ""
    days = plural(subject.horizon_days, "day")
    return (
        f"The {days} are assumed, being the contract's default: figures per month and year hold only if the label "
        f"looks {days} ahead. If it looks further, say so in the contract with horizon_days."
    )


def within(report: Report) -> str:
    """The horizon, marked where it is assumed."""
    return plural(report.subject.horizon_days, "day") + (" (assumed)" if horizon(report) else "")


def model_type(report: Report) -> str:
    """The kind of model."""
    name = report.subject.model_type
    return f"{level_words(name)}: {MODEL_TYPES[name]}" if name in MODEL_TYPES else level_words(name)


def shown(report: Report) -> str:
    """How many columns the model was shown, and how much of them is missing."""
    gaps = [column for column in report.columns if column.missing > 0]
    text = f"The model was shown {plural(len(report.columns), 'feature')}"
    text += f"; {plural(len(report.unseen), 'column was', 'columns were')} excluded." if report.unseen else "."
    if not gaps:
        return f"{text} Nothing is missing in them."
    worst = max(gaps, key=lambda column: column.missing)
    return f"{text} {len(gaps)} of them have gaps, {worst.title} the most: {percent(worst.missing)} missing."


def limits(report: Report) -> list[tuple[str, str]]:
    """The limits of every figure of the report."""
    days = plural(report.subject.horizon_days, "day")
    counts = report.counts
    few = counts.set_aside_left
    assumed = [("The horizon.", horizon(report))] if horizon(report) else []
    return [
        *assumed,
        ("Causes.", "A feature that goes with leaving need not cause it: changing it need not change who leaves."),
        (
            "Savings.",
            "The share that an offer keeps is assumed until it is measured: compare with a random "
            "control group that gets no offer.",
        ),
        (
            "The time after.",
            f"A score is about {days}. It says nothing of later, and grows old as customers and offers change.",
        ),
        (
            "Other customers.",
            f"All figures are of the test set, {rows_of(counts.set_aside, counts.set_aside_customers)}; others "
            "may differ.",
        ),
        ("Chance.", f"{whole(few)} of them left. Small differences between two versions, or two groups, may be luck."),
        (
            "Missing from the data.",
            "Moving house, a rival's offer, a bad call: the model misses customers who leave for "
            "reasons that no column holds.",
        ),
    ]
