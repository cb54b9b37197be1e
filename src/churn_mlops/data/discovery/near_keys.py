"""Keys that nearly meet: two columns name the same things and write them differently, such as 405 and 405.0."""

from __future__ import annotations

from dataclasses import dataclass
from typing import get_args

import ibis.expr.types as ir

from churn_mlops.data.contract import NormalForm
from churn_mlops.data.discovery.profiled_table import ProfiledTable
from churn_mlops.data.engine.normal_forms import normal_form

_FORMS: tuple[NormalForm, ...] = get_args(NormalForm)
_DIFFERENCE: dict[NormalForm, str] = {
    "whole_number": "leading zeros, or .0 behind a whole number",
    "lower_case": "capital and small letters",
    "letters_and_digits": "signs between letters and digits, such as dashes",
    "salesforce_15": "the three characters that Salesforce puts behind the 15 of an ID",
}


@dataclass(frozen=True)
class NearKey:
    """The rows of one column that name a key of another one in a normal form only.

    Attributes:
        normal_form: the form in which the most of them do.
        rows: rows that name one in this form, exactly or nearly.
        examples: a value, and the key that it nearly is.
        merged: different values of the column, and of the key, that would be one; two of each, empty where there are
            none.
    """

    normal_form: NormalForm
    rows: int
    examples: tuple[str, str]
    merged: tuple[tuple[str, str], ...]

    @property
    def difference(self) -> str:
        """The difference between the two values, in words."""
        return _DIFFERENCE[self.normal_form]

    def __str__(self) -> str:
        """The pair, and the difference."""
        one, other = self.examples
        return f"{one!r} and {other!r} differ by {self.difference}"


def near_key(look: ProfiledTable, column: str, other: ProfiledTable, key: str) -> NearKey | None:
    """The normal form in which the most rows of ``column`` name a row of ``other`` by its ``key``.

    Returns:
        None where no form lets more rows name one than the values as they are.
    """
    values = _counted(look.text(column))
    keys = _counted(other.text(key))
    loose = values.semi_join(keys, _loosest(values.text) == _loosest(keys.text))
    exact = values.semi_join(keys, values.text == keys.text)
    most, same = _rows(loose), _rows(exact)
    if most <= same:
        return None
    found = {form: _rows(_meeting(values, keys, form)) for form in _FORMS}
    best = max(_FORMS, key=lambda form: found[form])
    if found[best] <= same:
        return None
    one = _example(values, keys, best)
    return NearKey(best, found[best], one, tuple(pair for side in (values, keys) for pair in _merged(side, best)))


def merged(look: ProfiledTable, column: str, form: NormalForm) -> list[tuple[str, str]]:
    """Two different values of ``column`` that ``form`` would make one; empty if there are none."""
    return _merged(_counted(look.text(column)), form)


def _counted(text: ir.StringColumn) -> ir.Table:
    cells = text.name("text").as_table().group_by("text").agg(k=lambda t: t.count())
    return cells.filter(cells.text.notnull())


def _loosest(text: ir.StringColumn) -> ir.StringColumn:
    """Two texts that meet in one of the forms meet in this one too."""
    return normal_form(normal_form(normal_form(text, "whole_number"), "letters_and_digits"), "salesforce_15")


def _meeting(values: ir.Table, keys: ir.Table, form: NormalForm) -> ir.Table:
    return values.semi_join(keys, normal_form(values.text, form) == normal_form(keys.text, form))


def _rows(values: ir.Table) -> int:
    return int(values.k.sum().to_pyarrow().as_py() or 0)


def _example(values: ir.Table, keys: ir.Table, form: NormalForm) -> tuple[str, str]:
    """The first value that is no key as it stands, and its key."""
    one = values.select(value=values.text, form=normal_form(values.text, form))
    other = keys.select(key=keys.text, form=normal_form(keys.text, form))
    both = one.join(other, "form")
    apart = both.filter(both.value != both.key).order_by(["value", "key"]).limit(1).to_pyarrow().to_pylist()[0]
    return apart["value"], apart["key"]


def _merged(side: ir.Table, form: NormalForm) -> list[tuple[str, str]]:
    """Two different texts of a column that the form would make one, if there are such."""
    forms = side.select(form=normal_form(side.text, form), text=side.text)
    each = forms.group_by("form").agg(one=forms.text.min(), other=forms.text.max())
    again = each.filter(each.one != each.other).order_by("form").limit(1)
    return [(row["one"], row["other"]) for row in again.to_pyarrow().to_pylist()]
