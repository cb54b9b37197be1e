"""The texts around the digits of a number: its unit, where all numbers of a column share one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from churn_mlops.data.contract.units import CURRENCIES, UNITS, _singular

NOT_KNOWN = frozenset(
    {
        "unknown", "not known", "unkown", "not available", "none", "missing", "undefined", "unspecified", "n.a.", "n.a",
        "not applicable", "not specified", "not given", "not provided", "no data", "tbd", "blank", "empty", "nd", "xna",
        "no answer", "not stated", "undisclosed", "(blank)", "(null)", "(none)", "(missing)", "unk", "not recorded",
    }
)  # fmt: skip
"""Lower-case words that mean "missing" where they stand among numbers."""
_CORE = re.compile(r"([^9]*?)([.,]?9(?:[9.,'\u2019 \u00a0\u2009\u202f]*9)?[.,]?)([^9]*)")
_WORD_UNIT = re.compile(r"[^\W\d_]{2}[^+\-]{0,18}")
_FEW = 10
_MOST_UNITS = 6


class Amount(NamedTuple):
    """A shape as a number: what stands before and after its digits, which are ``core``; whether the first is 0."""

    before: str
    core: str
    after: str
    zero: bool

    @property
    def unit(self) -> str:
        """The texts around the digits, as one text."""
        return self.before + self.after


class Units(NamedTuple):
    """The texts around the numbers of a column and what they are counted in, or a question."""

    around: tuple[str, ...] = ()
    unit: str | None = None
    question: str = ""


def amount_in(shape: str, zero: bool) -> Amount | None:
    """``shape`` as a number with what stands around it; None where it is something else."""
    found = _CORE.fullmatch(shape)
    if found is None:
        return None
    before, core, after = found[1].strip(), found[2], found[3].strip()
    if core[0] in ".," and before and before[-1].isalpha():  # "Rs.500"
        before, core = before + core[0], core[1:]
    if before[:1] in ("+", "-"):
        before = before[1:].strip()
    elif before[-1:] in ("+", "-"):
        before = before[:-1].strip()
    if (before and before.lower() not in CURRENCIES) or (after and not _may_be_unit(after)):
        return None
    return Amount(before, re.sub("[\u00a0\u2009\u202f]", " ", core).replace("\u2019", "'"), after, zero)


def shared_unit(amounts: Sequence[Amount], numbers: int) -> Units | None:
    """The one unit of all ``amounts``, of ``numbers`` different numbers; None where what stands there is no unit."""
    named: dict[str, list[str]] = {}
    for amount in amounts:
        if amount.unit:
            named.setdefault(_singular(amount.unit), []).append(amount.unit)
    if not named:
        return Units()
    known = all(_is_known(amount) for amount in amounts if amount.unit)
    letter = all(len(amount.after) <= 1 and amount.after.isalpha() for amount in amounts if amount.unit)
    if (not known and len(named) > 1) or ((not known or (letter and len(named) == 1)) and numbers < _FEW):
        return None  # levels such as 3G and 4G
    bare = [amount for amount in amounts if not amount.unit and not (amount.zero and amount.core == "9")]
    shown = sorted({max(units, key=len) for units in named.values()})
    if len(named) > 1:
        many = len(named) > _MOST_UNITS
        return None if many else Units(question=f"mixed units ({', '.join(shown)}): bring all numbers to one of them")
    around = tuple(sorted({text for amount in amounts for text in (amount.before, amount.after) if text}))
    if bare:
        listed = ", ".join(around)
        return Units(
            question=f"only some numbers have the unit {shown[0]!r}: if it holds for the others too, declare "
            f"{{type: number, around: [{listed}], unit: {shown[0]}}}"
        )
    return Units(around, shown[0])


def _may_be_unit(text: str) -> bool:
    return _first_word(text) in UNITS | CURRENCIES or _WORD_UNIT.fullmatch(text) is not None


def _is_known(amount: Amount) -> bool:
    return not amount.after or _first_word(amount.after) in UNITS | CURRENCIES


def _first_word(text: str) -> str:
    word = re.split(r"[ /]", text.lstrip("/ "), maxsplit=1)[0].lower()
    return word if word in UNITS | CURRENCIES else word.removesuffix(".").removesuffix("s")
