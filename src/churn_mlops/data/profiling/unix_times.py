"""Numbers that count seconds, or parts of them, since 1970."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

from churn_mlops.data.contract.time_format import UNIX_UNITS
from churn_mlops.data.profiling.name_signals import names_date, names_identifier, names_line_or_place
from churn_mlops.data.profiling.sample import is_number
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.suggestions import words

_NAMED = (315_532_800, 4_102_444_800)  # 1980 to 2100, in seconds since 1970
_UNNAMED = (946_684_800, 2_051_222_400)  # 2000 to 2035
_WORDS = frozenset(
    "ts epoch unix start started end ended since until joined signup signed registered registration created updated "
    "modified birth birthday activation activated renewal expiry expires expired expiration cancelled canceled closed "
    "deleted seen login occurred recorded loaded sent received".split()
)


@dataclass(frozen=True)
class UnixTimes:
    """The meaning of a column of numbers as times.

    Attributes:
        unit: one of ``UNIX_UNITS``.
        sure: False where the name does not speak of a time and the numbers could be others: a person has to say it.
        first: the day of the smallest.
        last: the day of the largest.
    """

    unit: str
    sure: bool
    first: str
    last: str


def unix_times_of(column: ColumnProfile) -> UnixTimes | None:
    """``column`` as times since 1970; None where it holds other numbers."""
    low, high = column.smallest, column.largest
    if not is_number(column) or low is None or high is None or column.distinct < 2:
        return None
    named = names_date(column.name) or bool(set(words(column.name)) & _WORDS)
    if names_line_or_place(column.name) or (names_identifier(column.name) and not named):
        return None
    first, last = _NAMED if named else _UNNAMED
    for unit, per_second in UNIX_UNITS.items():
        if first * per_second <= low and high <= last * per_second and (column.whole or (named and per_second == 1)):
            return UnixTimes(unit, named or per_second > 1, _day(low / per_second), _day(high / per_second))
    return None


def _day(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d}"
