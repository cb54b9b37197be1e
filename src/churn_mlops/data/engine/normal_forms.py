"""Normal forms of keys: two texts that mean one key in two systems become the same text."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ibis
import ibis.expr.types as ir

from churn_mlops.data.contract import NormalForm

_WHOLE = "^0*([0-9]+)([.]0+)?$"
_SALESFORCE = "^[0-9A-Za-z]{15}([0-9A-Za-z]{3})?$"


def normal_form(text: ir.StringColumn, form: NormalForm | None) -> ir.StringColumn:
    """``text`` in a normal form, as a contract declares it; unchanged where the form is None or does not fit.

    Args:
        text: keys without outer blanks, as ``as_text`` gives them.
        form: the normal form, one of `NormalForm`.
    """
    return text if form is None else _FORMS[form](text)


def _whole_number(text: ir.StringColumn) -> ir.StringColumn:
    # By extraction: Spark takes the `\1` of a replacement for the digit.
    return ibis.ifelse(text.re_search(_WHOLE), text.re_extract(_WHOLE, 1), text)


def _lower_case(text: ir.StringColumn) -> ir.StringColumn:
    return text.lower()


def _letters_and_digits(text: ir.StringColumn) -> ir.StringColumn:
    plain = text.lower().re_replace("[^0-9a-z]", "")
    return ibis.ifelse(plain == "", text, plain)


def _salesforce_15(text: ir.StringColumn) -> ir.StringColumn:
    return ibis.ifelse(text.re_search(_SALESFORCE), text.substr(0, 15), text)


_FORMS: Mapping[NormalForm, Callable[[ir.StringColumn], ir.StringColumn]] = {
    "whole_number": _whole_number,
    "lower_case": _lower_case,
    "letters_and_digits": _letters_and_digits,
    "salesforce_15": _salesforce_15,
}
