"""Texts in a column of times that are not read: how many, which, and in what other format they are written."""

from __future__ import annotations

from dataclasses import dataclass

import ibis.expr.types as ir

from churn_mlops.data.contract.time_format import TIME_FORMATS, time_format_fits, time_formats_of

_SAMPLE, _SHOWN, _MOST_FORMATS = 500, 2, 2
_FITS = 0.95
_STANDS_FOR_NONE = (
    r"^((2099|2999|9999)-?12-?31|9999-?12-?30|0000-?00-?00|0001-?01-?01|(31[./-]12|12[./-]31)[./-](2099|2999|9999)"
    r"|00[./-]00[./-]0000|0?1[./-]0?1[./-]0001)([T ].*)?$"
)


@dataclass(frozen=True)
class UnreadTimes:
    """The texts of a column of times that are not read.

    Attributes:
        rows: how many cells hold such a text.
        filled: how many cells of the column hold anything.
        examples: some of the texts.
        formats: the formats in which nearly all of them are written; several where no text decides between them.
    """

    rows: int = 0
    filled: int = 0
    examples: tuple[str, ...] = ()
    formats: tuple[str, ...] = ()

    def __str__(self) -> str:
        """The texts and their format, in words; empty where all is read."""
        if not self.examples:
            return ""
        shown = " and ".join(map(repr, self.examples))
        return f"such as {shown}" + (f", which {' or '.join(self.formats)} would read" if self.formats else "")


def unread_times(cells: ir.Table, no_day: frozenset[str]) -> UnreadTimes:
    """Which texts are not read; a day that stands for none, such as 9999-12-31, is no text that is not read.

    Args:
        cells: ``text`` of each cell, and whether it is ``read``.
        no_day: lower-case texts that mean missing.
    """
    held = cells.filter(cells.text.notnull() & cells.text.lower().notin(sorted(no_day)))
    none = ~held.read & held.text.re_search(_STANDS_FOR_NONE)
    held = held.mutate(unread=~held.read & ~none)
    counts = held.aggregate(filled=held.count(), rows=held.unread.sum()).to_pyarrow().to_pylist()[0]
    if not counts["rows"]:
        return UnreadTimes(0, int(counts["filled"]))
    some = held.filter(held.unread).select("text").distinct().order_by("text").limit(_SAMPLE)
    texts = some.to_pyarrow()["text"].to_pylist()
    return UnreadTimes(int(counts["rows"]), int(counts["filled"]), _spread(texts), _formats(texts))


def _spread(texts: list[str]) -> tuple[str, ...]:
    """Texts from the beginning and the end."""
    return tuple(dict.fromkeys([texts[0], texts[-1]]))[:_SHOWN]


def _formats(texts: list[str]) -> tuple[str, ...]:
    likely = time_formats_of(texts, formats=TIME_FORMATS)
    fits = {one: sum(time_format_fits(text, one) for text in texts) for one in likely}
    best = max(fits.values(), default=0)
    if best < _FITS * len(texts):
        return ()
    return tuple(one for one, count in fits.items() if count == best)[:_MOST_FORMATS]
