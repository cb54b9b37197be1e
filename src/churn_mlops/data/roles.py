"""What a column is to a model: a number, a flag, a category, or nothing that a model can learn from."""

from __future__ import annotations

from churn_mlops.data.contract import Feature, FeatureType, SetAside, SetAsideReason
from churn_mlops.data.leaks import Suspicion
from churn_mlops.data.names import names_identifier, title, words
from churn_mlops.data.profile import ColumnProfile
from churn_mlops.data.sampling import is_number

MAX_LEVELS = 50
"""A text column with more levels is set aside."""
NEARLY = 0.95
"""So large a share of a column is taken for the whole."""
_FEWEST_NAMES = 10  # so few different texts are levels, even if none stands twice


def type_of(column: ColumnProfile) -> FeatureType:
    """The type of feature that ``column`` makes: 0/1 and true/false are boolean, other texts a category."""
    if column.kind == "boolean":
        return "boolean"
    if is_number(column):
        flag = column.distinct == 2 and column.whole and (column.smallest, column.largest) == (0.0, 1.0)
        return "boolean" if flag and not column.infinite else "number"
    levels = {level.lower() for level in column.levels}
    return "boolean" if levels and levels <= {"true", "false"} else "category"


def feature_of(column: ColumnProfile) -> Feature:
    """The declaration of ``column`` as a feature under its own name."""
    kind = type_of(column)
    named = title(column.name)
    share = (column.rows - column.present) / column.rows
    number = kind == "number" and column.smallest is not None and column.largest is not None
    return Feature(
        type=kind,
        title=named if named != column.name.replace("_", " ") else None,
        min=0.0 if number and column.smallest is not None and column.smallest >= 0 else None,
        range=(column.smallest, column.largest) if number else None,
        levels=column.levels if kind == "category" else None,
        missing_values=tuple(text for text, _ in column.markers),
        missing=round(share, 6),
    )


def reason_to_set_aside(column: ColumnProfile, suspicion: Suspicion | None) -> SetAside | None:
    """Why a model shall not see ``column``; None where it may. Where several reasons hold, the first wins."""
    if not column.present:
        return SetAside(reason="empty", note="holds nothing")
    if column.distinct == 1 and column.present == column.rows:
        only = repr(column.top[0][0]) if column.top else "the same"
        return SetAside(reason="constant", note=f"is {only} in every row")
    if suspicion is not None and suspicion.sure:
        return SetAside(reason="suspected_leak", note=suspicion.message)
    found = _unfit(column)
    return SetAside(reason=found[0], note=found[1]) if found else None


def _unfit(column: ColumnProfile) -> tuple[SetAsideReason, str] | None:
    if column.kind == "other":
        return "free_text", f"holds {column.type}, which is no number, flag or category"
    if column.kind == "date" or _is_text_date(column) or _is_number_date(column):
        return "date", "a date; make a number of it, such as days since then, to use it"
    if column.kind == "boolean":
        return None
    if is_number(column):
        if _counts_rows(column):
            return "identifier", "a whole number that (nearly) never stands twice"
        return None
    return _unfit_text(column)


def _unfit_text(column: ColumnProfile) -> tuple[SetAsideReason, str] | None:
    unique = column.distinct >= NEARLY * column.present and column.distinct >= _FEWEST_NAMES
    wordy = column.spaced >= column.present / 2 and column.length >= 20
    if wordy and (unique or column.distinct > MAX_LEVELS):
        return "free_text", f"{column.distinct:,} different texts"
    if almost_number(column) and column.distinct > 2:
        return "many_levels", f"numbers, but for {column.present - column.numbers:,} cells such as {_odd(column)}"
    if unique:
        hint = "; if it names the customer, say so with `--customer`" if names_identifier(column.name) else ""
        return "identifier", f"{column.distinct:,} different texts in {column.present:,} rows{hint}"
    if column.distinct > MAX_LEVELS:
        return "many_levels", f"{column.distinct:,} levels; group them into at most {MAX_LEVELS} to use it"
    return None


def almost_number(column: ColumnProfile) -> bool:
    """Whether nearly all of a text column is numbers, but some of it is not and does not mean missing either."""
    return column.kind == "text" and NEARLY * column.present <= column.numbers < column.present


def _odd(column: ColumnProfile) -> str:
    return ", ".join(repr(text) for text, _ in column.odd[:3]) or "others"


def _is_text_date(column: ColumnProfile) -> bool:
    return column.kind == "text" and column.dates >= NEARLY * column.present and not is_number(column)


def _is_number_date(column: ColumnProfile) -> bool:
    """A whole number such as 20240131 in a column that is called a date."""
    if not (is_number(column) and column.whole and set(words(column.name)) & {"date", "dt", "dob"}):
        return False
    return (
        column.smallest is not None
        and column.largest is not None
        and 19000101 <= column.smallest <= column.largest <= 21001231
    )


def _counts_rows(column: ColumnProfile) -> bool:
    """Whether a whole number names the row: it hardly ever stands twice, though among so many it should by chance."""
    if not column.whole or column.smallest is None or column.largest is None or column.distinct < 2 * _FEWEST_NAMES:
        return False
    if names_identifier(column.name) and column.distinct >= 0.9 * column.present:
        return True
    width = column.largest - column.smallest + 1
    once = column.distinct == column.numbers == column.rows
    return once and (width <= 2 * column.rows or column.rows**2 / (2 * width) >= 5)
