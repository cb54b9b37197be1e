"""How numbers are written: the decimal sign, the sign between thousands, and what stands around them.

Every engine and Python read the pattern of a format alike, so that a file and a request mean the same.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

NUMBER_TEXT = r"[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?"
"""Pattern of a text that is a number in the plain format, as a whole."""
_BLANKS = " \u00a0\u2009\u202f"  # what people and programs put between thousands, and before a unit
_BEFORE = "$\u20ac\u00a3\u00a5\u20b9"  # signs of money that usually stand first
THOUSANDS = {",": ",", ".": ".", " ": _BLANKS, "'": "'\u2019"}
"""The signs that may part thousands, each with all the characters that are taken for it."""


@dataclass(frozen=True)
class NumberFormat:
    """One way of writing numbers.

    Args:
        decimal: the decimal sign, "." or ",".
        thousands: the sign between groups of three digits, a key of ``THOUSANDS``; None where there is none.
        around: texts that may stand before or after the number, such as "USD" or "%".
    """

    decimal: str = "."
    thousands: str | None = None
    around: tuple[str, ...] = ()

    @property
    def is_plain(self) -> bool:
        """Whether this is the format of programs: "1234.5", with nothing around."""
        return self == PLAIN

    @property
    def pattern(self) -> str:
        """Pattern of a whole text; its groups 1 to 3 are two places of a sign, and the number."""
        return _pattern(self)

    @property
    def thousands_pattern(self) -> str | None:
        """Pattern of a sign between thousands; None where there is none."""
        return f"[{THOUSANDS[self.thousands]}]" if self.thousands else None

    def number_in(self, text: str) -> float:
        """The number that ``text`` is.

        Raises:
            ValueError: it is none in this format.
        """
        found = _compiled(self).fullmatch(text.strip())
        if found is None:
            raise ValueError(text)
        if self.is_plain:
            return float(found[0])
        digits = found[3]
        if self.thousands_pattern:
            digits = re.sub(self.thousands_pattern, "", digits)
        return float((found[1] or "") + (found[2] or "") + digits.replace(self.decimal, "."))

    def example(self) -> str:
        """A number in this format, as an example."""
        number, text = f"1{self.thousands or ''}234{self.decimal}5", next(iter(self.around), "")
        if text in _BEFORE:
            return text + number
        return f"{number} {text}".strip()


PLAIN = NumberFormat()


@lru_cache(maxsize=1024)
def _pattern(number_format: NumberFormat) -> str:
    decimal, whole = _literal(number_format.decimal), "[0-9]+"
    if number_format.thousands_pattern:
        sign = number_format.thousands_pattern
        # The second form is that of lakhs and crores: 12,34,567.
        whole = f"(?:[0-9]{{1,3}}(?:{sign}[0-9]{{3}})+|[0-9]{{1,2}}(?:{sign}[0-9]{{2}})+{sign}[0-9]{{3}}|[0-9]+)"
    number = f"(?:{whole}(?:{decimal}[0-9]*)?|{decimal}[0-9]+)(?:[eE][+-]?[0-9]+)?"
    texts = "|".join(_literal(text) for text in sorted(number_format.around, key=len, reverse=True))
    if not texts:
        return f"([+-]?)()({number})"
    before, after = f"(?:{texts})[{_BLANKS}]*", f"(?:[{_BLANKS}]*(?:{texts}))?"
    # One sign at most: some engines take "+-5" for a number.
    return f"(?:([+-]?)(?:{before})?|{before}([+-]))({number}){after}"


@lru_cache(maxsize=1024)
def _compiled(number_format: NumberFormat) -> re.Pattern[str]:
    return re.compile(NUMBER_TEXT if number_format.is_plain else number_format.pattern)


def _literal(text: str) -> str:
    """``text`` as a pattern. Brackets rather than backslashes, which Ibis does not write for Spark as they stand."""
    return re.sub(r"[.+*?()|{}$]", r"[\g<0>]", re.sub(r"[\\\[\]^]", r"\\\g<0>", text))
