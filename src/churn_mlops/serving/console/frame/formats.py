"""Dates, numbers and money as the company's people write them. Values in, texts out; nothing here reads a clock."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from churn_mlops.serving.console.frame.texts import Texts

BLANK = "\u00a0"
"""A space at which no line is broken."""


@dataclass(frozen=True)
class Locale:
    """How numbers and dates are written somewhere.

    Args:
        decimal: between whole and part.
        group: between thousands.
        date: pattern of a date, of ``{day}``, ``{month}`` (its short name) and ``{year}``.
        currency_first: whether the sign of the currency precedes the amount.
        hours: 12 or 24.
    """

    decimal: str
    group: str
    date: str
    currency_first: bool = False
    hours: int = 24


_DAY_FIRST = "{day} {month} {year}"
LOCALES = {
    "en-US": Locale(".", ",", "{month} {day}, {year}", currency_first=True, hours=12),
    "en-GB": Locale(".", ",", _DAY_FIRST, currency_first=True),
    "de-DE": Locale(",", ".", "{day}. {month} {year}"),
    "de-CH": Locale(".", "\u2019", "{day}. {month} {year}", currency_first=True),
    "es-ES": Locale(",", ".", _DAY_FIRST),
    "fr-FR": Locale(",", "\u202f", _DAY_FIRST),
    "it-IT": Locale(",", ".", _DAY_FIRST),
    "nl-NL": Locale(",", ".", _DAY_FIRST, currency_first=True),
    "pl-PL": Locale(",", BLANK, _DAY_FIRST),
    "sv-SE": Locale(",", BLANK, _DAY_FIRST),
}
_SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥", "PLN": "zł", "SEK": "kr"}
_WITHOUT_CENTS = frozenset({"JPY", "KRW", "CLP", "ISK", "VND", "HUF"})


@dataclass(frozen=True)
class Formats:
    """Writes values for people.

    Args:
        locale: how numbers and dates are written.
        currency: code of three letters.
        zone: the time zone of times.
        texts: the names of months, and other words.
    """

    locale: Locale
    currency: str
    zone: ZoneInfo
    texts: Texts

    def number(self, value: float, digits: int = 0) -> str:
        """``value`` with ``digits`` decimals, rounded; a minus is the long one."""
        text = f"{abs(value):,.{digits}f}"
        text = text.translate({ord(","): self.locale.group, ord("."): self.locale.decimal})
        return f"\u2212{text}" if value < 0 and any(sign in "123456789" for sign in text) else text

    def percent(self, share: float) -> str:
        """``share``, in [0, 1], in whole percent; near 0 and 1 with a decimal, and never 0 or 100 by rounding alone."""
        percent = 100.0 * share
        digits = 0 if 1.0 <= percent <= 99.0 or percent in (0.0, 100.0) else 1
        if digits and round(percent, 1) in (0.0, 100.0):
            return ("< " if percent < 50 else "> ") + self.number(0.1 if percent < 50 else 99.9, 1) + f"{BLANK}%"
        return f"{self.number(percent, digits)}{BLANK}%"

    def points(self, points: int) -> str:
        """Percentage points with their sign."""
        return f"+{points}" if points > 0 else self.number(points)

    def money(self, amount: float) -> str:
        """An amount: whole from 100 on, below with cents where the currency has them."""
        digits = 0 if self.currency in _WITHOUT_CENTS or abs(amount) >= 100 else 2
        number, sign = self.number(abs(amount), digits), _SIGNS.get(self.currency, self.currency)
        space = "" if len(sign) == 1 and self.locale.currency_first else BLANK
        text = f"{sign}{space}{number}" if self.locale.currency_first else f"{number}{BLANK}{sign}"
        return f"\u2212{text}" if round(amount, digits) < 0 else text

    def day_of(self, at: datetime) -> date:
        """The day of a time, in the time zone of the pages."""
        return at.astimezone(self.zone).date()

    def date(self, day: date) -> str:
        """A date with the short name of its month."""
        month = self.texts(f"months.{day.month}")
        return self.locale.date.format(day=day.day, month=month, year=day.year).replace(" ", BLANK)

    def who(self, caller: str) -> str:
        """The name of a principal, without the sign of its kind where it is a person."""
        kind, colon, name = caller.partition(":")
        if not colon or kind == "person":
            return name or caller
        return self.texts(f"who.{kind}", name=name) if kind in ("key", "cli") else name

    def time(self, at: datetime) -> str:
        """A date and a time of day to the minute, in the time zone of the pages."""
        local = at.astimezone(self.zone)
        if self.locale.hours == 12:
            half = "AM" if local.hour < 12 else "PM"
            clock = f"{local.hour % 12 or 12}:{local.minute:02d}{BLANK}{half}"
        else:
            clock = f"{local.hour:02d}:{local.minute:02d}"
        return f"{self.date(local.date())}, {clock}"
