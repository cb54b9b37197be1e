"""Rows with a known label, and columns over them, as the signs of a leak take them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.data.contract import Feature
from churn_mlops.data.leakage.univariate import FOLDS, Codes, Floats
from churn_mlops.data.profiling.sample import Sample

Mask = npt.NDArray[np.bool_]
Dates = npt.NDArray[np.datetime64]
_ROWS_OF_A_CLASS = 50_000
ENOUGH_RECENT = 100
"""The churners that the latest dates together should hold."""


@dataclass(frozen=True)
class Column:
    """A feature: numbers, or ranks of the levels in ``texts``; shape (rows,), NaN for missing."""

    name: str
    values: Floats
    numeric: bool
    texts: tuple[str, ...] = ()

    def at(self, rows: npt.NDArray[Any]) -> Column:
        """The same column at some rows only."""
        return Column(self.name, self.values[rows], self.numeric, self.texts)


@dataclass(frozen=True)
class Labelled:
    """The label and what else is known of each row.

    Args:
        label: 1 for who left, 0 for who stayed, shape (rows,), int8.
        groups: the customer of each row as a whole number, shape (rows,); each row its own where there are no dates.
        as_of: the date of each row, None for a table without dates.
        weights: how many rows a retained customer and a churner stand for.
    """

    label: npt.NDArray[np.int8]
    groups: Codes
    as_of: Dates | None = None
    weights: tuple[float, float] = (1.0, 1.0)

    def at(self, rows: npt.NDArray[Any], weights: tuple[float, float] | None = None) -> Labelled:
        """Some rows only."""
        as_of = None if self.as_of is None else self.as_of[rows]
        return Labelled(self.label[rows], self.groups[rows], as_of, weights or self.weights)

    @cached_property
    def fold(self) -> Codes:
        """Out of ``FOLDS`` folds the one of each row, all rows of a customer in one."""
        mixed = (self.groups.astype(np.uint64) + np.uint64(1)) * np.uint64(0x9E3779B97F4A7C15)
        return np.asarray((mixed >> np.uint64(33)) % np.uint64(FOLDS), dtype=np.int64)

    @cached_property
    def counts(self) -> tuple[int, int]:
        """How many customers left, and how many stayed."""
        left = self.label == 1
        return np.unique(self.groups[left]).size, np.unique(self.groups[~left]).size

    @cached_property
    def sample(self) -> Sample:
        """The label as the signs of a flat table take it."""
        return Sample({}, frozenset(), self.label, self.weights)

    @cached_property
    def dates(self) -> Dates:
        """The dates, ascending; none for a table without."""
        return np.array([], dtype="datetime64[D]") if self.as_of is None else np.unique(self.as_of)

    def thinned(self) -> npt.NDArray[np.intp]:
        """Places of an evenly spaced sample: at most 50,000 rows of either class."""
        picked = [np.flatnonzero(self.label == value) for value in (0, 1)]
        return np.sort(np.concatenate([places[::step] for places, step in zip(picked, self._steps, strict=True)]))

    @property
    def thinned_weights(self) -> tuple[float, float]:
        """How many rows a retained customer and a churner of that sample stand for."""
        return float(self._steps[0]), float(self._steps[1])

    @property
    def _steps(self) -> tuple[int, int]:
        counts = np.bincount(self.label, minlength=2)
        return tuple(max(1, math.ceil(count / _ROWS_OF_A_CLASS)) for count in counts)

    def recent(self) -> Mask | None:
        """Rows of the last dates, as few as hold 100 churners and at most half; None where there are no dates."""
        if self.as_of is None or self.dates.size < 2:
            return None
        dates = self.dates
        for count in range(1, dates.size // 2 + 1):
            late = np.asarray(self.as_of >= dates[-count])
            if self.label[late].sum() >= ENOUGH_RECENT:
                break
        return late


def column_of(name: str, column: pa.ChunkedArray, feature: Feature) -> Column:
    """A column of a snapshot, as ``read_snapshot`` gives it."""
    if feature.type != "category":
        return Column(name, np.asarray(column.to_numpy(), dtype=np.float64), True)
    if not pa.types.is_dictionary(column.type):
        column = column.cast(pa.string()).dictionary_encode()
    encoded = column.combine_chunks()
    texts = [str(text) for text in encoded.dictionary.to_pylist()]
    order = np.argsort(np.array(texts, dtype=object).astype(str), kind="stable")
    ranks = np.full(len(texts) + 1, np.nan)
    ranks[order] = np.arange(len(texts), dtype=np.float64)
    places = encoded.indices.fill_null(len(texts)).to_numpy(zero_copy_only=False)
    return Column(name, ranks[places], False, tuple(texts[place] for place in order))
