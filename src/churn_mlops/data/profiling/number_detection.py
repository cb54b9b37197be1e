"""How a column's numbers are written, by the shapes of its texts; two possible readings are a question.

A shape is a text with every digit as 9, four and more in a row as 9999. A column of a million numbers has a few
dozen shapes, so all of them are looked at, and only what the whole column proves is taken over.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from churn_mlops.data.contract.number_format import PLAIN, NumberFormat
from churn_mlops.data.profiling.unit_detection import NOT_KNOWN, Amount, Units, amount_in, shared_unit

SHAPING = (("[0-9]", "9"), ("9{4,}", "9999"))
"""Patterns and their replacements that turn a text into its shape, in this order."""
FIRST_ZERO = "^[^0-9]*0"
MOST_SHAPES = 300
_FEWEST_NUMBERS = 3  # fewer different numbers show nothing
_PROVING = 30  # so many different numbers show by their own sizes what parts them
_OFTEN = 10
_LONGEST = 200  # signs of a number; the patterns take the square of the length
_SIGNS = ((".", None), (",", None), (".", ","), (",", "."), (".", " "), (",", " "), (".", "'"), (",", "'"))


class Shape(NamedTuple):
    """A shape, whether its first digit is 0, and in how many rows it stands."""

    text: str
    zero: bool
    rows: int


@dataclass(frozen=True)
class DetectedFormat:
    """How a column writes its numbers.

    Attributes:
        number_format: how they are read.
        unit: what they are counted in, where it stands beside each.
        words: texts among them that are taken for missing.
        question: what a person has to answer; empty where all is clear.
        suggestion: keys that a person may set after having answered.
        readable: False where the column stays text until then.
    """

    number_format: NumberFormat = PLAIN
    unit: str | None = None
    words: tuple[str, ...] = ()
    question: str = ""
    suggestion: Mapping[str, Any] = field(default_factory=dict)
    readable: bool = True


AS_TEXTS = DetectedFormat()
"""Plain numbers, or texts."""


def shapes_of(texts: Iterable[tuple[str, int]]) -> list[Shape]:
    """The shapes of ``(text, rows)`` pairs."""
    counts: Counter[tuple[str, bool]] = Counter()
    for text, rows in texts:
        shape = text
        for pattern, put in SHAPING:
            shape = re.sub(pattern, put, shape)
        counts[shape, re.search(FIRST_ZERO, text) is not None] += rows
    return [Shape(text, zero, rows) for (text, zero), rows in counts.items()]


def looks_written(shapes: Sequence[Shape]) -> bool:
    """Whether most of a few shapes could be numbers."""
    rows = sum(shape.rows for shape in shapes if amount_in(_unsigned(shape.text), shape.zero) is not None)
    return rows >= 0.8 * sum(shape.rows for shape in shapes)


def detect_number_format(shapes: Sequence[Shape], distinct: int) -> DetectedFormat | None:
    """The number format by all ``shapes`` of a column of ``distinct`` texts; None where they are not numbers."""
    amounts: list[Amount] = []
    others: dict[str, int] = {}
    below: list[str] = []
    for shape in shapes:
        amount = amount_in(shape.text, shape.zero)
        if amount is None and (amount := amount_in(_unsigned(shape.text), shape.zero)) is not None:
            below.append(shape.text)
        if amount is not None:
            amounts.append(amount)
        elif "9" in shape.text:
            return None
        else:
            others[shape.text] = shape.rows
    numbers = distinct - len(others)
    if not amounts or numbers < _FEWEST_NUMBERS:
        return None
    if not _are_words(others, numbers, sum(shape.rows for shape in shapes)):
        return None
    if below:
        return DetectedFormat(question=_BELOW_ZERO.format(below[0].replace("9999", "999")), readable=False)
    units = shared_unit(amounts, numbers)
    if units is None or units.question:
        return None if units is None else DetectedFormat(question=units.question, readable=False)
    return _signed(amounts, numbers, units, tuple(sorted(others)))


def point_question(shapes: Sequence[Shape]) -> DetectedFormat | None:
    """A question where every point of plain numbers has three digits behind it: it may part thousands."""
    cores = [amount_in(shape.text, shape.zero) for shape in shapes]
    found = [amount for amount in cores if amount is not None and "." in amount.core]
    if not found or not all(re.fullmatch(r"9{1,3}\.9{3}", amount.core) and not amount.zero for amount in found):
        return None
    return DetectedFormat(question=_POINT, suggestion={"decimal": ",", "thousands": "."})


_POINT = (
    "every point has three digits behind it, as in 1.234: read as decimals; if it parts thousands, un-comment the "
    "lines below and widen `range`"
)
_COMMA = (
    "every comma has three digits behind it, as in 1,234: if it parts thousands, declare "
    '{type: number, thousands: ","}; if it is the decimal sign, {type: number, decimal: ","}'
)
_TWO_WAYS = "some numbers have a decimal point and some a decimal comma: write all of them in one way"


_BELOW_ZERO = (
    "looks like numbers, some of which are written as in {!r} (a 9 is any digit): if that means below zero, write "
    "them with a minus in front, as in -9.9"
)
_AFTER = re.compile(r"\((.*)\)|(.*9.*)[-\u2212]|\u2212(.*)")


def _unsigned(shape: str) -> str:
    """``shape`` without what stands for a minus and is none: parentheses, a minus behind, the minus of print."""
    found = _AFTER.fullmatch(shape) if len(shape) <= _LONGEST else None
    return shape if found is None else next(text for text in found.groups() if text is not None).strip()


def _are_words(others: Mapping[str, int], numbers: int, rows: int) -> bool:
    """Whether the texts among numbers may be taken for missing: they say so, or one or two stand again and again."""
    if all(text.lower() in NOT_KNOWN for text in others):
        return True
    held = list(others.values())
    return len(held) <= 2 and numbers > 20 and min(held) >= _OFTEN and sum(held) <= rows / 2


def _signed(amounts: Sequence[Amount], numbers: int, units: Units, words: tuple[str, ...]) -> DetectedFormat | None:
    """The decimal sign and the sign between thousands that fit every number, and give them one meaning."""
    fits: dict[tuple[tuple[int, int], ...], NumberFormat] = {}
    for decimal, thousands in _SIGNS:
        readings = [_reading(amount, decimal, thousands) for amount in amounts]
        known = tuple(reading for reading in readings if reading is not None)
        if len(known) == len(amounts):
            fits.setdefault(known, NumberFormat(decimal, thousands, units.around))
    if not fits:
        each = all(any(_reading(amount, *signs) for signs in _SIGNS) for amount in amounts)
        return DetectedFormat(question=_TWO_WAYS, readable=False) if each else None
    formats = list(fits.values())
    if len(formats) == 1:
        codes = formats[0].thousands in (" ", "'") and len({amount.core for amount in amounts}) == 1
        return None if codes else DetectedFormat(formats[0], units.unit, words)
    by_thousands = next(one for one in formats if one.thousands)
    if by_thousands.thousands == ".":
        suggestion = {"decimal": ",", "thousands": "."}
        plain = next(one for one in formats if not one.thousands)
        return DetectedFormat(plain, units.unit, words, _POINT, suggestion)
    if _small_without_sign(amounts, ",") and numbers >= _PROVING:
        return DetectedFormat(by_thousands, units.unit, words)
    return DetectedFormat(question=_COMMA, readable=False)


def _small_without_sign(amounts: Sequence[Amount], sign: str) -> bool:
    """Whether some numbers have no ``sign`` and none of those reaches 1,000: then it parts thousands."""
    bare = [amount.core for amount in amounts if sign not in amount.core]
    return bool(bare) and all(re.match(r"9{0,3}(?!9)", core) for core in bare)


def _reading(amount: Amount, decimal: str, thousands: str | None) -> tuple[int, int] | None:
    """How many digits stand before and after the decimal sign; None where the signs do not fit."""
    whole = "9+"
    if thousands is not None:
        sign = re.escape(thousands)
        whole = f"9+|9{{1,3}}(?:{sign}9{{3}})+|9{{1,2}}(?:{sign}9{{2}})+{sign}9{{3}}"
    found = re.fullmatch(f"({whole})?(?:{re.escape(decimal)}(9*))?", amount.core)
    if found is None or (amount.zero and thousands is not None and thousands in (found[1] or "")):
        return None
    return (found[1] or "").count("9"), len(found[2] or "")
