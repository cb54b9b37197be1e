"""The score of a customer with some values changed, as the model sees it. It is no promise about a cause."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from churn_mlops.data.contract import TRUE_TEXTS, DataContract, Feature, level_text
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.serving.http.errors import RequestError, sentence

PREFIX = "if."
"""Begins the names of the query's values."""
YES, NO = "yes", "no"
_SAME = 1e-9


@dataclass(frozen=True)
class Choice:
    """A value that can be chosen, as it is sent and as it is shown."""

    value: str
    text: str


@dataclass(frozen=True)
class Control:
    """A value that can be changed.

    Args:
        name: in the query.
        title: of the feature.
        unit: of a number, empty without one.
        value: as it is chosen now; empty where it is missing.
        choices: the values of a category or of a truth value; none for a number.
        low: smallest number, None without a bound.
        high: largest number, None without a bound.
    """

    name: str
    title: str
    unit: str
    value: str
    choices: Sequence[Choice]
    low: float | None
    high: float | None


@dataclass(frozen=True)
class WhatIf:
    """The values that can be changed, and what comes of the changes.

    Args:
        controls: the values.
        score: with the changes, None without any.
        points: by how many percentage points the score grew.
    """

    controls: Sequence[Control]
    score: float | None = None
    points: int = 0


def what_if(
    predictor: ChurnPredictor, answer: Mapping[str, Any], features: Sequence[str], query: Mapping[str, str]
) -> WhatIf | None:
    """The view of the model on a customer with some values changed.

    Args:
        predictor: the model of the answer.
        answer: the fields of ``GET /customers/{id}/risk``.
        features: those that the company controls.
        query: the values that were sent; those of a feature begin with ``PREFIX``.

    Returns:
        None where nothing can be changed: no feature of the model is controlled, or the score was published.

    Raises:
        RequestError: 422, a value is none of its feature.
    """
    contract = predictor.contract
    known = [name for name in features if name in contract.features]
    if not known or answer["origin"] != "source":
        return None
    row = {one["feature"]: one["value"] for one in answer["reasons"] or ()}
    score = answer["churn_probability"]
    if abs(predictor.score_one(row) - score) > _SAME:  # a value was lost on the way: its change would mean nothing
        return None
    changes = _changes(contract, known, row, query)
    controls = [_control(contract, name, (row | changes).get(name)) for name in known]
    if not changes:
        return WhatIf(controls)
    changed = predictor.score_one(row | changes)
    return WhatIf(controls, changed, round(100 * changed) - round(100 * score))


def _changes(
    contract: DataContract, known: Sequence[str], row: Mapping[str, Any], query: Mapping[str, str]
) -> dict[str, Any]:
    """The values of the query that differ from those of the customer."""
    changes: dict[str, Any] = {}
    problems = []
    for name in known:
        given = query.get(PREFIX + name, "").strip()
        if not given or given == _text(contract.features[name], row.get(name)):
            continue
        try:
            changes[name] = _value(contract.features[name], given)
        except ValueError as error:
            problems.append((contract.title_of(name), str(error)))
    if problems:
        raise RequestError(422, sentence(problems), problems)
    return changes


def _value(feature: Feature, given: str) -> Any:
    if feature.type == "boolean":
        if given not in (YES, NO):
            raise ValueError(f"must be {YES} or {NO}")
        return given == YES
    if feature.type == "category":
        if given not in (feature.levels or ()):
            raise ValueError("must be one of its levels")
        return given
    try:
        number = float(given)
    except ValueError:
        raise ValueError("must be a number") from None
    low = -math.inf if feature.min is None else feature.min
    high = math.inf if feature.max is None else feature.max
    if not math.isfinite(number) or not low <= number <= high:
        raise ValueError("must be a number within its bounds")
    return number


def _control(contract: DataContract, name: str, value: Any) -> Control:
    feature = contract.features[name]
    choices: list[Choice] = []
    if feature.type == "boolean":
        choices = [Choice(YES, YES), Choice(NO, NO)]
    elif feature.type == "category":
        choices = [Choice(level, level.replace("_", " ")) for level in feature.levels or ()]
    unit = feature.unit or ""
    return Control(
        PREFIX + name, contract.title_of(name), unit, _text(feature, value), choices, feature.min, feature.max
    )


def _text(feature: Feature, value: Any) -> str:
    """A value as it stands in the query; empty where it is missing."""
    if value is None:
        return ""
    if feature.type == "boolean":
        return YES if level_text(value).lower() in TRUE_TEXTS else NO
    if feature.type == "category":
        return feature.level_of(level_text(value))
    return level_text(value)
