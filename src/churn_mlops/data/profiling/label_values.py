"""The values of a label column: the one of churners, the one of retained customers, and the rows of each."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from churn_mlops.data.contract import Label, level_text
from churn_mlops.data.profiling.name_signals import affirms_leaving, is_left_abroad, may_name_leaving, names_leaving
from churn_mlops.data.profiling.table_profile import ColumnProfile
from churn_mlops.data.profiling.value_counts import MISSING_TEXTS
from churn_mlops.errors import ContractError
from churn_mlops.suggestions import words

_LEFT = frozenset(
    {
        "churn",
        "churned",
        "churner",
        "churns",
        "left",
        "leave",
        "leaves",
        "leaver",
        "leavers",
    }
    | {"leaving", "exit", "exited", "attrited", "attrition", "cancelled", "canceled", "cancel", "dropped", "former"}
    | {"lost", "gone", "closed", "terminated", "unsubscribed", "lapsed", "quit", "departed", "deactivated", "inactive"}
)
MOST_VALUES = 6
"""Values of a label, at most: one of churners, and several of customers who stayed."""
_AFFIRMING = frozenset({"yes", "true", "1", "y", "t", "ja", "oui", "si", "sí", "sim"})
_NOT = frozenset("no not non never isn un nicht kein keine pas sin sem senza niet geen nao não".split())
_STAYING = frozenset({"retained", "retention", "stay", "stayed", "active", "renewed", "loyal", "kept", "existing"}) | {
    "aktiv",
    "actif",
    "activo",
    "ativo",
    "attivo",
    "actief",
}


@dataclass(frozen=True)
class LabelCounts:
    """The label, and how many rows left, stayed, and are not known; ``of_stayed`` has the rows of each such value."""

    label: Label
    left: int
    stayed: int
    unknown: int
    of_stayed: tuple[tuple[str, int], ...] = ()


def read_label(column: ColumnProfile, positive: object = None) -> LabelCounts:
    """Make a label of ``column``; ``positive`` is the value of churners, found where it is obvious.

    With ``positive``, all other values are those of customers who stayed, up to `MOST_VALUES`.

    Raises:
        ContractError: the column holds other than two values, or a person has to name the value of churners.
    """
    values = dict(column.top) if column.top else {}
    most = 2 if positive is None else MOST_VALUES
    if not 2 <= len(values) == column.distinct <= most or any(map(_is_unknown, values)):
        raise ContractError(_not_two(column, values))
    chosen = _given(column.name, positive, values) if positive is not None else _obvious(column.name, values)
    others = tuple((value, rows) for value, rows in values.items() if value != chosen)
    negative = others[0][0] if len(others) == 1 else tuple(value for value, _ in others)
    label = Label(column=column.name, positive=chosen, negative=negative)
    return LabelCounts(label, values[chosen], sum(rows for _, rows in others), column.missing, others)


def may_be_label(column: ColumnProfile) -> bool:
    """Whether one of few values of ``column`` may be that of churners, and its name or that value speaks of leaving.

    Among more than two values, that value has to say so itself. The name has to speak of leaving or of a status, or
    another value has to say that a customer stayed.
    """
    values = [value for value, _ in column.top]
    left = _saying_left(values) if 2 <= len(values) == column.distinct <= MOST_VALUES else []
    if len(left) != 1 or any(word in _STAYING for word in words(column.name)):
        return False
    named = names_leaving(column.name) or may_name_leaving(column.name)
    if len(values) > 2:
        named = named or any(_words_of(value) & _STAYING for value in values)
        return named and not left[0].affirms
    return named or not left[0].affirms


def option_of_label(column: ColumnProfile) -> str:
    """The options that make ``column`` the label, as a shell takes them; ``column`` is one of :func:`may_be_label`."""
    values = [value for value, _ in column.top]
    named = f"--label {shlex.quote(column.name)}"
    return named if len(values) == 2 else f"{named} --positive {shlex.quote(_saying_left(values)[0].value)}"


def _not_two(column: ColumnProfile, values: dict[str, int]) -> str:
    name = f"label column {column.name!r}"
    if not column.present and not values:
        return f"{name} is blank in every row: training needs rows of known churners and retained customers"
    if len(values) == 1:
        return f"{name} holds only {next(iter(values))!r}: training needs churners and retained customers"
    shown = ", ".join(f"{value!r} ({count:,})" for value, count in list(values.items())[:10])
    marked = [value for value in values if _is_unknown(value)]
    left = [one.value for one in _saying_left(values)] or [*values, "VALUE"][:1]
    remedy = (
        f"leave the cell blank where {marked[0]!r} stands"
        if marked
        else f"name the value of churners, as in `--positive {shlex.quote(left[0])}`: all others count as stayed"
        if len(values) <= MOST_VALUES
        else "make it two, and blank where it is not known"
    )
    held = f"{len(values)} values: {shown}" if values else f"{column.distinct:,} different values"
    return f"{name} holds {held}; a label has two, one of churners and one of retained customers: {remedy}"


def _is_unknown(value: str) -> bool:
    return value.lower() in MISSING_TEXTS | {"unknown"}


def _given(name: str, positive: object, values: dict[str, int]) -> str:
    text = level_text(positive)
    if text in values:
        return text
    same = [value for value in values if _as_number(value) == _as_number(text)]
    if len(same) == 1:
        return same[0]
    raise ContractError(f"label column {name!r} never holds {text!r}: it holds {_listed(values)}; give one of them")


def _as_number(text: str) -> str:
    """The one text of a number however it is written, such as 1 for 1.0; any other text as it stands."""
    try:
        return level_text(float(text))
    except ValueError:
        return text


def _obvious(name: str, values: dict[str, int]) -> str:
    """The value of churners: it says so itself ("churned"), or affirms what the name says of a customer who left."""
    left = _saying_left(values)
    turned = any(word in _STAYING for word in words(name))
    if len(left) != 1 or turned or (left[0].affirms and not affirms_leaving(name)):
        options = " or ".join(f"`--positive {shlex.quote(value)}`" for value in values)
        raise ContractError(
            f"label column {name!r} holds {_listed(values)}, and neither its name nor its values say which is a "
            f"customer who left: say it with {options}"
        )
    return left[0].value


class _LeftValue(NamedTuple):
    """A value that may be that of churners: by its own words, or since it ``affirms`` what the name says."""

    value: str
    affirms: bool


def _saying_left(values: Iterable[str]) -> list[_LeftValue]:
    """The values that may be those of churners; 1 is none beside a number other than 0 and -1."""
    found = [_LeftValue(value, not _left_in(_words_of(value) - _AFFIRMING)) for value in values if _says_left(value)]
    numbers = {value.removesuffix(".0") for value in values}
    plain_number = "1" in {one.value.removesuffix(".0") for one in found} and not numbers <= {"0", "1", "-1"}
    return [] if plain_number else found


def _says_left(value: str) -> bool:
    found = _words_of(value)
    return (_left_in(found) or bool(found & _AFFIRMING)) and not found & _NOT


def _left_in(found: set[str]) -> bool:
    return bool(found & _LEFT) or any(map(is_left_abroad, found))


def _words_of(value: str) -> set[str]:
    return set(re.findall(r"[^\W\d_]+|-?\d+", value.lower().removesuffix(".0")))


def _listed(values: dict[str, int]) -> str:
    return " and ".join(f"{value!r} ({count:,})" for value, count in values.items())
