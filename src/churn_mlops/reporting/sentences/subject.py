"""What is predicted, by what, from what, and what no figure can tell."""

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
    "boosting": "boosted trees, which may join many features at once; the reasons of a score add up to it (TreeSHAP)",
    "random_forest": (
        "a random forest, which may join many features at once; the reasons of a score add up to it (TreeSHAP)"
    ),
}


def about(report: Report) -> str:
    """What is predicted, from what."""
    subject, counts = report.subject, report.counts
    return (
        f"The model says how likely each customer is to leave within {plural(subject.horizon_days, 'day')}. It learnt "
        f"from {rows_of(counts.trained_on, counts.trained_on_customers)} ({whole(counts.trained_on_left)} of them "
        f"left) and {plural(len(report.columns), 'feature')}. It was then judged on "
        f"{rows_of(counts.set_aside, counts.set_aside_customers)} whom no version ever learns from "
        f"({whole(counts.set_aside_left)} left): all figures below are theirs, unless said otherwise."
    )


def horizon(report: Report) -> str:
    """What hangs on a horizon that the contract does not state; nothing where it does."""
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
    """What kind of model it is."""
    name = report.subject.model_type
    return f"{level_words(name)}: {MODEL_TYPES[name]}" if name in MODEL_TYPES else level_words(name)


def shown(report: Report) -> str:
    """How many columns the model was shown, and how much of them is missing."""
    gaps = [column for column in report.columns if column.missing > 0]
    text = f"The model was shown {plural(len(report.columns), 'feature')}"
    text += f"; {plural(len(report.unseen), 'column was', 'columns were')} set aside." if report.unseen else "."
    if not gaps:
        return f"{text} Nothing is missing in them."
    worst = max(gaps, key=lambda column: column.missing)
    return f"{text} {len(gaps)} of them have gaps, {worst.title} the most: {percent(worst.missing)} missing."


def limits(report: Report) -> list[tuple[str, str]]:
    """What no figure of the report can tell."""
    days = plural(report.subject.horizon_days, "day")
    counts = report.counts
    few = counts.set_aside_left
    assumed = [("The horizon.", horizon(report))] if horizon(report) else []
    return [
        *assumed,
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
            f"All figures are of {rows_of(counts.set_aside, counts.set_aside_customers)} set aside; others may differ.",
        ),
        ("Chance.", f"{whole(few)} of them left. Small differences between two versions, or two groups, may be luck."),
        (
            "What is not in the data.",
            "Moving house, a rival's offer, a bad call: who leaves for reasons no column holds is missed.",
        ),
    ]
