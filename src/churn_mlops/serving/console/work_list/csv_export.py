"""The list as CSV, which a spreadsheet opens without computing anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from churn_mlops.store.scoring.predictions import Prediction

COLUMNS = (
    "rank",
    "customer",
    "score",
    "risk_band",
    "will_churn",
    "action",
    "expected_gain",
    "why_not",
    "reason_1",
    "reason_2",
    "reason_3",
)
# The last four are the wide signs of East Asian keyboards, which count as well.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_REASONS = 3


def header() -> str:
    """The first line."""
    return _lines([COLUMNS])


def lines_of(predictions: Iterable[Prediction]) -> str:
    """A line for each prediction; an apostrophe precedes a text that a spreadsheet would read as a formula."""
    return _lines(_row(one) for one in predictions)


def values_of(one: Prediction) -> tuple[str | float, ...]:
    """The values of a row, in the order of ``COLUMNS``."""
    reasons = [_words(reason) for reason in (one.reasons or ())[:_REASONS]]
    reasons += [""] * (_REASONS - len(reasons))
    churns = "yes" if one.will_churn else "no"
    decided = (one.risk_band, churns, one.action, one.expected_gain, one.why_not or "")
    return (one.rank, one.customer, one.score, *decided, *reasons)


def _row(one: Prediction) -> Iterator[str | float]:
    return (_defused(value) if isinstance(value, str) else value for value in values_of(one))


def _words(reason: Any) -> str:
    return reason if isinstance(reason, str) else str(reason["text"])


def _defused(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def _lines(rows: Iterable[Iterable[Any] | Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
