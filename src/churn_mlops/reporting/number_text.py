"""How numbers, levels and steps are written, the same in sentences, tables and pictures."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

from churn_mlops.data.contract import unit_of
from churn_mlops.reporting.report_data import Figure

BLANK = "\u00a0"  # no line breaks between a number and its unit
MINUS = "\u2212"


def percent(share: float, digits: int | None = None) -> str:
    """A share in percent: more digits where it is small, so that 0.4 % and 0.6 % stay apart."""
    value = 100 * share
    if digits is None:
        digits = 0 if 10 <= abs(value) <= 99.5 or abs(value) in (0, 100) else 1
    return f"{_signed(value, digits)}{BLANK}%"


def length(share: float) -> str:
    """The length of a list in percent of the customers, to two significant digits."""
    value = 100 * share
    digits = 0 if value >= 9.95 else 1 if value >= 0.95 else 2
    return f"{value:.{digits}f}".removesuffix(".0") + f"{BLANK}%"


def points(value: float) -> str:
    """Percentage points with their sign."""
    shown = _signed(abs(value), 0 if abs(value) >= 10 else 1)
    sign = "" if float(shown) == 0 else "+" if value > 0 else MINUS
    return f"{sign}{shown}{BLANK}{'point' if shown in ('1', '1.0') else 'points'}"


def whole(value: float) -> str:
    """A count, with commas."""
    return f"{_signed(value, 0)}"


def usd(value: float) -> str:
    """An amount of money to three significant digits; more would feign precision."""
    for size, name in ((1e9, "billion"), (1e6, "million")):
        if abs(_rounded(value)) >= size:
            return f"{MINUS if value < 0 else ''}{abs(value) / size:.3g}{BLANK}{name}{BLANK}USD"
    return f"{amount(value)}{BLANK}USD"


def amount(value: float) -> str:
    """An amount of money without its currency, which stands in the head of its column."""
    return _signed(_rounded(value), 0)


def number(value: float) -> str:
    """A number of a feature: as many digits as it needs, at most four significant."""
    if value == 0 or not math.isfinite(value):
        return "0" if value == 0 else str(value)
    digits = max(0, 3 - math.floor(math.log10(abs(value))))
    text = _signed(value, min(digits, 6))
    return text.rstrip("0").rstrip(".") if "." in text else text


def between(figure: Figure, show: Any) -> str:
    """The interval of ``figure``: "36 to 46 %"."""
    if show is percent:  # as many digits at both ends
        low, high = (percent(end, 0 if figure.value >= 0.1 else 1) for end in (figure.low, figure.high))
    else:
        low, high = show(figure.low), show(figure.high)
    number, _, unit = low.partition(BLANK)
    return f"{number if high.partition(BLANK)[2] == unit else low} to {high}"


def setting_words(value: Any) -> str:
    """A setting that a fit chose, or figures of several candidates, as people read them: floats to five digits."""
    if isinstance(value, Mapping):
        return "; ".join(f"{level_words(str(name))}: {setting_words(each)}" for name, each in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(setting_words, value))
    return f"{value:.5g}" if isinstance(value, float) else level_words(str(value))


def level_words(level: str) -> str:
    """A level as people read it."""
    return level.replace("_", " ") or "(empty)"


def step_words(cuts: Any, unit: str | None) -> list[str]:
    """The steps between ``cuts`` in words: "up to 9 months", "9 to 29 months", "over 29 months"."""
    return [step_text(low, high, unit) for low, high in pairwise([None, *map(float, cuts), None])]


def step_text(low: float | None, high: float | None, unit: str | None) -> str:
    """A step in words: ``low`` < value <= ``high``, None where it has no end."""
    if low is None:
        return "any" if high is None else f"up to {_counted(high, unit)}"
    return f"over {_counted(low, unit)}" if high is None else f"{number(low)} to {_counted(high, unit)}"


def _counted(value: float, unit: str | None) -> str:
    shown = number(value)
    return f"{shown} {unit_of(shown, unit)}" if unit else shown


def listed(names: Sequence[str]) -> str:
    """Names in a row: a, b and c."""
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}" if names else "none"


def plural(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: 1 group, 3 groups."""
    return f"{count:,}{BLANK}{one if count == 1 else many or one + 's'}"


def rows_of(rows: int, customers: int) -> str:
    """Customers, or their rows where each has several: 20 customers, 63 rows of 20 customers."""
    who = plural(customers, "customer")
    return who if rows == customers else f"{plural(rows, 'row')} of {who}"


def _rounded(value: float) -> float:
    if value == 0:
        return 0.0
    return round(value, -max(0, math.floor(math.log10(abs(value))) - 2))


def _signed(value: float, digits: int) -> str:
    text = f"{abs(value):,.{digits}f}"
    return text if value >= 0 or not text.strip("0.,") else MINUS + text
