"""The findings of a validation, in words and as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Severity = Literal["stop", "warning"]


@dataclass(frozen=True)
class Problem:
    """One rule that the table breaks.

    Attributes:
        severity: "stop", or "warning", which does not stop.
        column: the column; empty where the whole table is meant.
        rule: which rule, such as "below_min".
        rows: how many rows break it; 0 where it is about the column.
        examples: the first such rows: the customer (or "row 17 of the data", below the header) and the value there.
        advice: what is known and what to do.
    """

    severity: Severity
    column: str
    rule: str
    rows: int
    examples: tuple[tuple[str, str], ...]
    advice: str

    def __str__(self) -> str:
        """One line: column, rule, rows, the first example, advice."""
        rows = f": {self.rows:,} row{'s' if self.rows != 1 else ''}" if self.rows else ""
        first = f" (first: {_shown(self.examples[0][0])}, {self.examples[0][1]!r})" if self.examples else ""
        return f"{self.severity}: {self.column or 'table'}: {self.rule.replace('_', ' ')}{rows}{first}; {self.advice}"


def _shown(customer: str) -> str:
    """A customer ID, with escapes where it holds what is not printed, as the value beside it."""
    return customer if customer.isprintable() else repr(customer)[1:-1]


def repeated(rows: int, copies: int) -> str:
    """The remedy for so many ``rows`` of customers who stand elsewhere, of which ``copies`` are exact copies."""
    choose = "one row for each customer: keep the right one, or name another column as `customer`"
    if not copies:
        return choose
    are = "row is an exact copy of an earlier one: remove it" if copies == 1 else "rows are exact copies: remove them"
    return f"{copies:,} {are}" + (f"; for the others, {choose}" if copies < rows else "")


def copies(rows: int) -> Problem:
    """The warning that so many ``rows`` are copies under another customer ID, and what is done about it."""
    advice = (
        "each equals an earlier row in every feature and the label, under another customer: copies stay on one side of "
        "every split, in the test set if one of them is; if they are one customer, keep one row"
    )
    return Problem("warning", "", "copies", rows, (), advice)


def missing_as_id(text: str, rows: int) -> str:
    """The question about an ID that is a word for "missing", in so many ``rows``."""
    held = "row is" if rows == 1 else "rows are"
    return (
        f"{rows:,} {held} those of a customer {text!r}, for a customer ID may be any text: if it means that no "
        "customer is known, leave these rows out in the source or in a view"
    )


@dataclass(frozen=True)
class ValidationReport:
    """The findings in so many ``rows``: problems that stop come first, each kind in the contract's order."""

    rows: int
    problems: tuple[Problem, ...]

    @property
    def stop(self) -> bool:
        """Whether the table must not be used."""
        return any(problem.severity == "stop" for problem in self.problems)

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for machines."""
        problems = [
            asdict(problem) | {"examples": [list(pair) for pair in problem.examples]} for problem in self.problems
        ]
        return {"stop": self.stop, "rows": self.rows, "problems": problems}


@dataclass(frozen=True)
class Finding:
    """Something noticed: about which ``column`` (None for the table), of which ``kind``, in words.

    ``suggestion`` holds keys that a person may add to the feature after having answered the question of the message.
    ``share`` is that of the rows in which the column is missing, set where no more than that is to be said.
    ``rows`` of ``of`` rows are concerned, where that is counted.
    """

    column: str | None
    kind: str
    message: str
    suggestion: Mapping[str, Any] = field(default_factory=dict)
    share: float | None = None
    rows: int = 0
    of: int = 0
