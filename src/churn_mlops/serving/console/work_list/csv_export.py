"""The list as CSV, which a spreadsheet opens without computing anything in it."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from churn_mlops.store.campaigns.list_work import ListWork
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
    "state",
    "owner",
    "snoozed_until",
)
# The last four are the wide signs of East Asian keyboards, which count as well.
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")  # noqa: RUF001
_REASONS = 3


@dataclass(frozen=True)
class FileRow:
    """A row of the file.

    Args:
        prediction: the published prediction, with the action that holds now.
        state: of the work on the customer; empty where they are not on the contact list, as are the next two.
        owner: who works on them, as the list names them.
        snoozed_until: the date until which they wait.
    """

    prediction: Prediction
    state: str = ""
    owner: str = ""
    snoozed_until: str = ""


def file_row(prediction: Prediction, work: ListWork, state: str) -> FileRow:
    """The row of a customer of the contact list.

    Args:
        prediction: the published prediction.
        work: the work on them.
        state: of the work.
    """
    owner = (work.owner or "").removeprefix("person:").removeprefix("proxy:")
    until = work.snoozed_until.isoformat() if state == "snoozed" and work.snoozed_until is not None else ""
    return FileRow(prediction, state, owner, until)


def header() -> str:
    """The first line."""
    return _lines([COLUMNS])


def lines_of(rows: Iterable[FileRow]) -> str:
    """A line for each row; an apostrophe precedes a text that a spreadsheet would read as a formula."""
    return _lines(_row(one) for one in rows)


def values_of(row: FileRow) -> tuple[str | float, ...]:
    """The values of a row, in the order of ``COLUMNS``."""
    one = row.prediction
    reasons = [_words(reason) for reason in (one.reasons or ())[:_REASONS]]
    reasons += [""] * (_REASONS - len(reasons))
    churns = "yes" if one.will_churn else "no"
    decided = (one.risk_band, churns, one.action, one.expected_gain, one.why_not or "")
    return (one.rank, one.customer, one.score, *decided, *reasons, row.state, row.owner, row.snoozed_until)


def _row(one: FileRow) -> Iterator[str | float]:
    return (_defused(value) if isinstance(value, str) else value for value in values_of(one))


def _words(reason: Any) -> str:
    return reason if isinstance(reason, str) else str(reason["text"])


def _defused(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_SIGNS) else text


def _lines(rows: Iterable[Iterable[Any] | Sequence[Any]]) -> str:
    out = io.StringIO()
    csv.writer(out).writerows(rows)
    return out.getvalue()
