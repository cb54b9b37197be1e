"""The meaning of one cell: the same for a request, a DataFrame and a file (whose side stands in ``data.reading``)."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection
from numbers import Number
from typing import Any

from churn_mlops.data.contract import FALSE_TEXTS, TRUE_TEXTS, Feature, level_text


class BadCellError(ValueError):
    """A cell that means nothing for its feature; the message says what is wrong, without the feature's name."""


def is_missing(value: Any, feature: Feature) -> bool:
    """Whether ``value`` is absent, NaN, blank, or one of the texts or numbers that mean missing."""
    if isinstance(value, str):
        text = value.strip()
        return not text or (bool(feature.missing_values) and _is_declared_missing(text, feature))
    if _is_nothing(value):
        return True
    return bool(feature.missing_values) and _is_declared_missing(value, feature)


def _is_nothing(value: Any) -> bool:
    if value is None or isinstance(value, float | int):
        return value is None or value != value
    # NumPy's and Decimal's NaN differ from themselves; pandas' NA and NaT are named, for serving has no pandas.
    return type(value).__name__ in {"NAType", "NaTType"} or (isinstance(value, Number) and str(value).lower() == "nan")


def _is_declared_missing(value: Any, feature: Feature) -> bool:
    """Whether ``value`` is among the missing values, as a text, or for a number feature as a number."""
    if isinstance(value, Collection) and not isinstance(value, str):
        return False
    try:
        if isinstance(value, str):
            if value in feature.missing_values:
                return True
        elif feature.type != "number":
            return level_text(value) in feature.missing_of_numbers
        if not feature.missing_numbers:
            return False
        number = feature.number_format.number_in(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, ArithmeticError):
        return False
    return number in feature.missing_numbers


def read_number(value: Any, feature: Feature) -> float:
    """The finite number that ``value`` holds, NaN where it is missing.

    Raises:
        BadCellError: ``value`` is not a number, or not a finite one.
    """
    if value is None:
        return math.nan
    if type(value) is float and -math.inf < value < math.inf and not feature.missing_values:
        return value
    if is_missing(value, feature):
        return math.nan
    if isinstance(value, Collection) and not isinstance(value, str):
        raise BadCellError(f"{_shown(value)} is not one value")
    try:
        number = feature.number_format.number_in(value) if isinstance(value, str) else float(value)
    except (TypeError, ValueError, ArithmeticError):
        raise BadCellError(f"{_shown(value)} is not a number") from None
    if not math.isfinite(number):
        raise BadCellError(f"{_shown(value)} is not a finite number")
    return number


def read_boolean(value: Any, feature: Feature) -> float:
    """1.0 for yes, 0.0 for no, NaN where ``value`` is missing.

    Raises:
        BadCellError: ``value`` is neither yes nor no.
    """
    if is_missing(value, feature):
        return math.nan
    text = (read_level(value, feature) or "").lower()
    if text in TRUE_TEXTS:
        return 1.0
    if text in FALSE_TEXTS:
        return 0.0
    raise BadCellError(f"{_shown(value)} is neither yes nor no")


def read_level(value: Any, feature: Feature) -> str | None:
    """The level that ``value`` names, by ``same`` too, known or not; None where it is missing.

    Raises:
        BadCellError: ``value`` is a list, a mapping or another thing that names no level.
    """
    if is_missing(value, feature):
        return None
    if isinstance(value, Collection) and not isinstance(value, str):
        raise BadCellError(f"{_shown(value)} is not one value")
    try:
        return feature.level_of(level_text(value))
    except (ValueError, ArithmeticError):
        raise BadCellError("the value is not one that a level can have") from None


def number_reader(feature: Feature) -> Callable[[Any, Feature], float]:
    """The reader of a number or of a boolean, by the type of ``feature``."""
    return read_boolean if feature.type == "boolean" else read_number


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except ValueError:  # a whole number of thousands of digits
        text = f"a {type(value).__name__}"
    return text if len(text) <= 40 else text[:37] + "..."
