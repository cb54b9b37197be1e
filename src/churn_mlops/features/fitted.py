"""A fitted :class:`FeatureEngineer`: raw customers become the inputs of a model."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.data.contract import DataContract, Feature
from churn_mlops.errors import DataError
from churn_mlops.features.cells import BadCellError, number_reader, read_level
from churn_mlops.features.columns import as_columns, read_column

Floats = npt.NDArray[np.float64]
MIN_LEVEL_ROWS = 10


@dataclass(frozen=True)
class FittedEngineer:
    """Turns raw columns into numbers, as :class:`FeatureEngineer` describes.

    Args:
        contract: declares the features.
        levels: the levels learnt of each category.
    """

    contract: DataContract
    levels: Mapping[str, tuple[str, ...]]

    @classmethod
    def learn(cls, contract: DataContract, data: Any, min_level_rows: int = MIN_LEVEL_ROWS) -> FittedEngineer:
        """Learn the levels of each category from ``data``: those that stand in ``min_level_rows`` rows or more."""
        columns, rows = as_columns(data)
        levels: dict[str, tuple[str, ...]] = {}
        for name, feature in contract.features.items():
            if feature.type == "category":
                known = feature.levels or ()
                codes = _read(name, feature, columns, rows, level_reader(feature, known))
                counts = np.bincount(codes.astype(np.intp), minlength=len(known) + 2)
                levels[name] = tuple(
                    level for level, count in zip(known, counts, strict=False) if count >= min_level_rows
                )
        return cls(contract, levels)

    def transform(self, data: Any) -> Floats:
        """Model inputs of shape (rows, features), float64, features in the order of the contract.

        Args:
            data: a DataFrame, an Arrow table, a list of mappings or a mapping of columns, in any order of columns. An
                absent column counts as missing in every row.

        Raises:
            DataError: a cell means nothing for its feature; all features at fault are named.
        """
        readers = self.readers()
        columns, rows = as_columns(data)
        inputs = np.empty((rows, len(readers)), order="F")
        problems: list[tuple[str, str]] = []
        for place, (name, read) in enumerate(readers.items()):
            try:
                inputs[:, place] = _read(name, self.contract.features[name], columns, rows, read)
            except DataError as error:
                problems.extend(error.problems)
        if problems:
            raise DataError("; ".join(f"{name}: {problem}" for name, problem in problems), tuple(problems))
        return inputs

    def readers(self) -> dict[str, Callable[[Any], float]]:
        """For each feature, the function that turns one raw cell into its input."""
        return {
            name: level_reader(feature, self.levels[name]) if feature.type == "category" else _number_reader(feature)
            for name, feature in self.contract.features.items()
        }


def level_reader(feature: Feature, levels: tuple[str, ...]) -> Callable[[Any], float]:
    """Turns a cell into the place of its level: ``len(levels)`` for another level, ``len(levels) + 1`` for missing."""
    places = {level: float(place) for place, level in enumerate(levels)}
    other, missing = float(len(levels)), float(len(levels) + 1)

    def read(value: Any) -> float:
        if type(value) is str and value in places:
            return places[value]
        level = read_level(value, feature)
        return missing if level is None else places.get(level, other)

    return read


def _number_reader(feature: Feature) -> Callable[[Any], float]:
    read_any = number_reader(feature)
    if feature.type == "boolean" or feature.missing_values:
        return lambda value: read_any(value, feature)
    low, high, missing = -math.inf, math.inf, math.nan

    def read(value: Any) -> float:  # the usual values, in a third of the time
        if type(value) is float and low < value < high:
            return value
        return missing if value is None else read_any(value, feature)

    return read


def _column_name(name: str, feature: Feature, columns: Mapping[str, Any]) -> str:
    """The column of a feature: under its declared column in a raw table, under its own name in a snapshot."""
    return feature.column if feature.column is not None and feature.column in columns else name


def _read(name: str, feature: Feature, columns: Mapping[str, Any], rows: int, read: Callable[[Any], float]) -> Floats:
    column = columns.get(_column_name(name, feature, columns))
    try:
        values = read_column(column, read, feature.type == "number", rows)
    except BadCellError as error:
        raise DataError(f"{name}: {error}", ((name, str(error)),)) from None
    if feature.missing_numbers:  # a column of numbers is taken whole, without a look at each cell
        values[np.isin(values, list(feature.missing_numbers))] = np.nan
    return values
