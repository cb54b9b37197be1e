"""How times are written as texts: formats in the directives of ``strftime``, read with patterns, without an engine."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

_PARTS = {
    "Y": "((?:19|20|21)[0-9]{2}|9999)",
    "y": "([0-9]{2})",
    "m": "(0?[1-9]|1[0-2])",
    "d": "(0?[1-9]|[12][0-9]|3[01])",
    "b": "([A-Za-z]{3})",
    "B": "([A-Za-z]{3,9})",
    "H": "([01]?[0-9]|2[0-3])",
    "I": "(0?[1-9]|1[0-2])",
    "M": "([0-5][0-9])",
    "S": "([0-5][0-9](?:[.][0-9]+)?)",
    "p": "([AaPp][Mm])",
    "z": "(Z| ?UTC| ?[+-][0-9]{2}:?[0-9]{2})",
}
_DAYS = (
    "%Y-%m-%d", "%Y/%m/%d", "%Y.%m.%d", "%d/%m/%Y", "%m/%d/%Y", "%d.%m.%Y", "%d-%m-%Y", "%m-%d-%Y", "%d/%m/%y",
    "%m/%d/%y", "%d.%m.%y", "%d-%b-%Y", "%d-%b-%y", "%d %b %Y", "%d %B %Y", "%b %d, %Y", "%B %d, %Y", "%Y%m%d",
)  # fmt: skip
_CLOCKS = (
    "", " %H:%M", " %H:%M:%S", "T%H:%M", "T%H:%M:%S", " %H:%M:%S%z", "T%H:%M:%S%z", " %I:%M %p", " %I:%M:%S %p",
)  # fmt: skip
TIME_FORMATS = tuple(day + clock for day in _DAYS for clock in _CLOCKS)
"""The formats that are recognised."""
MONTH_FORMATS = ("%Y-%m", "%Y/%m", "%Y.%m", "%m/%Y", "%m.%Y", "%b %Y", "%B %Y", "%b-%Y", "%Y%m")
"""The formats of months, each read as its first day."""
_PLAIN = re.compile(
    "[0-9]{4}-[0-9]{2}-[0-9]{2}([T ][0-9]{2}:[0-9]{2}(:[0-9]{2}([.][0-9]{1,9})?)?(Z|[+-][0-9]{2}:[0-9]{2})?)?"
)
_GLANCE = 40
UNIX_UNITS = {
    "unix_seconds": 1,
    "unix_milliseconds": 1_000,
    "unix_microseconds": 1_000_000,
    "unix_nanoseconds": 1_000_000_000,
}
"""Formats of numbers that are counted from 1 January 1970 in UTC, each with how many make a second."""
TIME_FORMAT_RULE = (
    "a format has a year (%Y, %y), a month (%m, %b, %B), a day (%d) unless it means the first of the month, and with a "
    f"day perhaps %H or %I with %p, %M, %S and %z, each once; numbers counted from 1970 are {', '.join(UNIX_UNITS)}"
)
"""The rule of :func:`is_time_format`, in words."""


def is_time_format(time_format: str) -> bool:
    """Whether ``time_format`` is a format that can be read: a unit, a day or a month, each part of it once."""
    if time_format in UNIX_UNITS:
        return True
    found = directives_of(time_format)
    if any(directive not in _PARTS for directive in found) or len(set(found)) != len(found):
        return False
    of_part = [sum(directive in part for directive in found) for part in ("Yy", "mbB", "d", "HI")]
    is_day = of_part[:3] == [1, 1, 1] and of_part[3] <= 1 and ("I" in found) == ("p" in found)
    return is_day or (of_part[:2] == [1, 1] and len(found) == 2)


def readable_formats(formats: Mapping[str, str]) -> Mapping[str, str]:
    """``formats`` by column, each of which can be read.

    Raises:
        ValueError: one cannot; names the column.
    """
    for column, time_format in formats.items():
        if not is_time_format(time_format):
            raise ValueError(f"`formats` of {column!r}: {time_format!r} is none that is read: {TIME_FORMAT_RULE}")
    return formats


def is_plain(text: str) -> bool:
    """Whether ``text`` is a time as ISO 8601 writes it, which is read without a format."""
    return _PLAIN.fullmatch(text) is not None


def time_format_fits(text: str, time_format: str) -> bool:
    """Whether ``text`` is written as ``time_format`` says, whatever the calendar holds."""
    return _compiled(time_format).fullmatch(text) is not None


def time_formats_of(texts: Sequence[str], most: int = 4, formats: Sequence[str] = TIME_FORMATS) -> list[str]:
    """Which of ``formats`` fit the most of ``texts``, best first, at most so many; found by the first few texts."""
    some = texts[:: max(1, len(texts) // _GLANCE)]
    likely = [time_format for time_format in formats if any(time_format_fits(text, time_format) for text in some)]
    fits = {time_format: sum(time_format_fits(text, time_format) for text in texts) for time_format in likely}
    return sorted(likely, key=lambda time_format: -fits[time_format])[:most]


@lru_cache(maxsize=1024)
def _compiled(time_format: str) -> re.Pattern[str]:
    return re.compile(pattern_of(time_format))


@lru_cache(maxsize=1024)
def pattern_of(time_format: str) -> str:
    """The pattern of a whole text in ``time_format``; its groups are the directives in their order."""
    found = re.split("%([A-Za-z])", time_format)
    return "".join(_PARTS[text] if place % 2 else _literal(text) for place, text in enumerate(found))


def directives_of(time_format: str) -> list[str]:
    """The letters of the directives in ``time_format``, in their order."""
    return re.findall("%([A-Za-z])", time_format)


def _literal(text: str) -> str:
    return re.sub(r"([\\.+*?()|\[\]{}^$])", r"\\\1", text)
