"""The model card: the report in a page of Markdown, for MLflow."""

from __future__ import annotations

import re

from churn_mlops.models.metrics import METRICS
from churn_mlops.reporting import explanations, sentences
from churn_mlops.reporting.money import Money
from churn_mlops.reporting.report_data import Report

CARD_FILE = "model_card.md"
_MARKS = re.compile(r"([\\`*_\[\]|~<>&#])")
"""Characters that Markdown or HTML would read as anything but text."""
_GAP = re.compile(r"[^\S\u00a0]+")
"""White space and ends of lines, but for the space that holds a number and its unit together."""


def model_card(report: Report, money: Money) -> str:
    """``report`` as Markdown, with the money of the settings that the model was trained under."""
    subject = report.subject
    parts = [
        f"# Model card: {plain(subject.name)}",
        plain(sentences.about(report)),
        f"**Predicted:** {plain(subject.label)} is {plain(subject.positive)}, within {sentences.within(report)}. "
        f"**Model:** {plain(sentences.model_type(report))}.",
    ]
    if subject.chosen_because:
        parts.append(f"**Why this type:** {plain(subject.chosen_because)}")
    if not report.made.signal:
        parts.append("**No signal:** not better than giving all customers the same score, beyond noise.")
    statements = [
        sentences.ranking(report),
        sentences.later(report),
        sentences.calibration(report),
        sentences.drivers(report),
        sentences.misjudged(report),
        sentences.churn_costs(report, money),
        sentences.defaults(money).replace("on this page ", ""),
        sentences.list_earns(money),
        sentences.horizon(report),
    ]
    parts += ["## How good it is", _items([text for text in statements if text]), _metrics(report)]
    parts += ["## What it was not shown", _unseen(report)]
    if report.noticed is not None:
        parts += ["## What looks too good", plain(sentences.too_good(report))]
        parts += [_items([*report.blind, *sentences.noticed(report)])]
    limits = [f"**{title}** {plain(sentence)}" for title, sentence in sentences.limits(report)]
    parts += ["## What it cannot know", "\n".join(f"- {limit}" for limit in limits)]
    parts += [f"Data {report.made.data_fingerprint[:12]}, seed {report.made.seed}. The pictures: `churn report`."]
    return "\n\n".join(part for part in parts if part) + "\n"


def plain(text: str) -> str:
    """``text`` for Markdown, on one line: every mark in it stands for itself."""
    return (
        _MARKS.sub(r"\\\1", _GAP.sub(" ", text).strip())
        .replace("\\<", "&lt;")
        .replace("\\>", "&gt;")
        .replace("\\&", "&amp;")
    )


def _items(texts: list[str]) -> str:
    return "\n".join(f"- {plain(text)}" for text in texts)


def _metrics(report: Report) -> str:
    rows = ["| Figure | Value | 95 % interval |", "|---|---|---|"]
    for name, metric in METRICS.items():
        if name in report.metrics:
            figure = report.metrics[name]
            value, low, high = (metric.text(each) for each in (figure.value, figure.low, figure.high))
            rows.append(f"| {metric.title} | {value} | {low} to {high} |")
    return "\n".join(rows)


def _unseen(report: Report) -> str:
    if not report.unseen:
        return "No column is excluded."
    return _items([f"{column.column}: {explanations.unseen(column.reason)}" for column in report.unseen])
