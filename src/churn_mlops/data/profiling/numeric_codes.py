"""Whole numbers that count nothing: names of rows, codes of kinds of things, and dates written as numbers."""

from __future__ import annotations

import math

from churn_mlops.data.profiling.name_signals import names_date, names_identifier, names_kind, names_line_or_place
from churn_mlops.data.profiling.quantity_names import names_quantity
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.suggestions import words

_FEWEST = 20  # so few different numbers name nothing
_LONG = 1e7
_HARDLY = 0.01  # of the numbers, at most so many stand again where they name rows
_SURE = 5.0  # minus the logarithm of the chance below which it is none
_STRAY = 0.01  # of the numbers, at most so many have a leading zero by mistake
FEW_LEVELS = 12
"""Up to so many texts that cannot be read as numbers are levels."""
_WIDE = 1e3  # codes of fewer digits look like quantities
_APART = 5  # times as many numbers lie between the ends as are in use
_AGAIN = 3  # times as many rows as different numbers
_YEARS = (1900, 2100)
_PRICED = 0.6  # of the different numbers, so many end like prices
_DATED = frozenset(
    "month months period yyyymm ym yearmonth monthid dateid expire expiry expired expiration start end since joined "
    "signup registered registration created updated birth birthday activation renewal billing".split()
)
_DAYS = (19000101, 21001231)
_MONTHS = (190001, 210012)


def is_number_date(column: ColumnProfile) -> bool:
    """Whether ``column`` holds whole numbers such as 20240131 or 202401, as its name says."""
    low, high = column.smallest, column.largest
    if not (is_number(column) and column.whole) or low is None or high is None or column.distinct < 2:
        return False
    named = names_date(column.name)
    named = named or bool(set(words(column.name)) & _DATED) or column.name.lower().endswith(("date", "month"))
    return named and any(
        first <= low and high <= last and all(map(_in_calendar, _sample(column))) for first, last in (_DAYS, _MONTHS)
    )


def names_rows(column: ColumnProfile) -> bool:
    """Whether a whole number names the row: it hardly ever stands twice, though among so many it should by chance."""
    if not column.whole or column.smallest is None or column.largest is None or column.distinct < _FEWEST:
        return False
    if (names_identifier(column.name) or names_line_or_place(column.name)) and column.distinct >= 0.9 * column.present:
        return True
    repeats = max(column.numbers - column.distinct, 0)  # infinite values are distinct, and no numbers
    if repeats > _HARDLY * column.numbers:
        return False
    long = column.smallest >= _LONG and len(f"{column.smallest:.0f}") == len(f"{column.largest:.0f}")
    width = column.largest - column.smallest + 1
    return long or _too_few(repeats, column.numbers + width * math.expm1(-column.numbers / width))


def is_code(column: ColumnProfile) -> bool:
    """Whether whole numbers name kinds of things: by a leading zero, as in 007, the column's name, or their digits."""
    if not _is_plain_and_whole(column):
        return False
    return (column.padded > 0 and not has_stray_zeros(column)) or names_kind(column.name) or is_long_code(column)


def is_long_code(column: ColumnProfile) -> bool:
    """Whether all whole numbers are of eight digits or more and of about one length, as article numbers are.

    A quantity has magnitudes: where some are that large, others are a hundred times smaller.
    """
    low = column.smallest or 0.0
    return (
        _is_plain_and_whole(column) and low >= _LONG and _is_of_one_length(column) and not names_quantity(column.name)
    )


def may_be_code(column: ColumnProfile) -> bool:
    """Whether whole numbers may as well be codes, as their values or names suggest: a person has to decide.

    Codes are years, or none of them is small, all have about the same number of digits, and the same ones come again
    and again, with gaps between them or all of them far from 0. A quantity takes the values between, down to small
    ones, and prices end in 0, 5 or 9.
    """
    low, high = column.smallest, column.largest
    if not _is_plain_and_whole(column) or low is None or high is None or names_quantity(column.name):
        return False
    if names_identifier(column.name) or (_YEARS[0] <= low and high <= _YEARS[1]):
        return True
    again = column.numbers >= _AGAIN * column.distinct
    apart = high - low >= _APART * column.distinct or high - low < low
    return low >= _WIDE and _is_of_one_length(column) and again and apart and not _end_like_prices(column)


def has_stray_zeros(column: ColumnProfile) -> bool:
    """Whether a few of many different whole numbers have a leading zero: a mistake, or codes after all."""
    return 0 < column.padded <= _STRAY * column.present and column.distinct > FEW_LEVELS


def _is_plain_and_whole(column: ColumnProfile) -> bool:
    return is_number(column) and column.whole and column.written.number_format.is_plain


def _is_of_one_length(column: ColumnProfile) -> bool:
    """Whether the largest number has at most one digit more than the smallest."""
    low, high = column.smallest, column.largest
    return low is not None and high is not None and len(f"{high:.0f}") - len(f"{low:.0f}") <= 1


def _end_like_prices(column: ColumnProfile) -> bool:
    known = [text for text, _ in column.level_rows if text.isdigit()]
    return bool(known) and sum(text[-1] in "059" for text in known) >= _PRICED * len(known)


def _too_few(repeats: int, expected: float) -> bool:
    """Whether ``repeats`` are fewer than chance would leave of those ``expected`` of evenly drawn numbers.

    By the law of birthdays, which is near Poisson's: the chance of so few is bounded after Chernoff. Drawn less evenly,
    as counts and amounts are, numbers repeat more.
    """
    if repeats >= expected:
        return False
    spread = repeats * math.log(expected / repeats) if repeats else 0.0
    return expected - repeats - spread >= _SURE


def _sample(column: ColumnProfile) -> list[float]:
    """The numbers that are known: all where there are few, the ends otherwise."""
    known = [float(text) for text, _ in column.level_rows if text.isdigit()]
    return known or [number for number in (column.smallest, column.largest) if number is not None]


def _in_calendar(number: float) -> bool:
    text = f"{number:.0f}"
    return 1 <= int(text[4:6]) <= 12 and (len(text) == 6 or 1 <= int(text[6:]) <= 31)
