"""An exactly additive model as lookup tables: one for each feature, one for each pair. NumPy only.

The log-odds of a customer are the intercept, plus one value from the table of each feature, plus one from the table of
each pair. Nothing is approximated, so a customer's contributions add up to the score.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.models.calibration import Calibration

Floats = npt.NDArray[np.float64]
Places = npt.NDArray[np.intp]
BLOCK_ROWS = 16_384


@dataclass(frozen=True)
class Axis:
    """The cells that one feature's inputs fall into.

    A number falls into one of ``len(cuts) + 1`` steps (step i holds cuts[i-1] < x <= cuts[i]) or into the cell for
    missing, the last one. A category's input is its cell already: a level, "other", or missing.
    """

    name: str
    cuts: Floats | None
    levels: tuple[str, ...] = ()

    @property
    def size(self) -> int:
        """Number of cells."""
        return len(self.levels) + 2 if self.cuts is None else len(self.cuts) + 2

    def cells(self, inputs: Floats) -> Places:
        """The cell of each input, shape (rows,)."""
        if self.cuts is None:
            return inputs.astype(np.intp)
        cells = np.searchsorted(self.cuts, inputs, side="left")
        cells[np.isnan(inputs)] = len(self.cuts) + 1
        return cells


@dataclass(frozen=True)
class Line:
    """A contribution that is linear in a number: slope x value + offset, the value kept within [low, high]."""

    slope: float
    offset: float
    low: float
    high: float
    missing: float

    def values(self, inputs: Floats) -> Floats:
        """The contribution of each input, shape (rows,)."""
        line = self.slope * np.clip(inputs, self.low, self.high) + self.offset
        return np.where(np.isnan(inputs), self.missing, line)


@dataclass(frozen=True)
class Pair:
    """The effect of two features together, beyond the effect of each alone.

    ``rows`` and ``columns`` map each cell of the two axes to a row and a column of ``table``, which is coarser.
    """

    first: int
    second: int
    rows: Places
    columns: Places
    table: Floats

    def values(self, first: Places, second: Places) -> Floats:
        """The contribution of each customer, shape (rows,), given the cells of both features."""
        places = self.rows.take(first)
        places *= self.table.shape[1]
        places += self.columns.take(second)
        return self.table.ravel().take(places)


@dataclass(frozen=True)
class AdditiveTables:
    """The whole model. ``mains[i]`` belongs to ``axes[i]``: a table with one value for each cell, or a line."""

    intercept: float
    axes: tuple[Axis, ...]
    mains: tuple[Floats | Line, ...]
    pairs: tuple[Pair, ...] = ()

    def log_odds(self, inputs: Floats) -> Floats:
        """Log-odds of churn, shape (rows,), for the inputs of ``FeatureEngineer``, shape (rows, features)."""
        scores = np.empty(len(inputs))
        for start in range(0, len(inputs), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            scores[block] = self._block_log_odds(inputs[block])
        return scores

    def contributions(self, inputs: Floats) -> Floats:
        """The contribution of each feature to the log-odds, shape (rows, features); a pair is shared in halves."""
        parts = np.empty(inputs.shape)
        for start in range(0, len(inputs), BLOCK_ROWS):
            block = slice(start, start + BLOCK_ROWS)
            cells, values = self._block_mains(inputs[block])
            for pair in self.pairs:
                half = pair.values(cells[pair.first], cells[pair.second])
                half *= 0.5
                values[pair.first] += half
                values[pair.second] += half
            for place, value in enumerate(values):
                parts[block, place] = value
        return parts

    def scaled(self, intercept: float, slope: float) -> AdditiveTables:
        """The tables of ``intercept + slope x log-odds``: how an affine calibration folds in without loss."""
        return AdditiveTables(
            intercept + slope * self.intercept,
            self.axes,
            tuple(
                Line(main.slope * slope, main.offset * slope, main.low, main.high, main.missing * slope)
                if isinstance(main, Line)
                else main * slope
                for main in self.mains
            ),
            tuple(Pair(p.first, p.second, p.rows, p.columns, p.table * slope) for p in self.pairs),
        )

    def calibrated(self, calibration: Calibration) -> AdditiveTables:
        """The tables under ``calibration``, which has no bend."""
        if calibration.bend:
            raise ValueError("a bent calibration does not fold into tables")
        return self.scaled(calibration.intercept, calibration.slope)

    def row_log_odds(self, inputs: Sequence[float]) -> float:
        """Log-odds of one customer, in plain Python: the same sum, in the same order, as :meth:`log_odds`."""
        mains, pairs = self._rows
        total = self.intercept
        cells = []
        for value, (cell_of, main) in zip(inputs, mains, strict=True):
            cell = cell_of(value)
            cells.append(cell)
            total += main[cell] if type(main) is list else main(value)
        for first, second, rows, columns in pairs:
            total += rows[cells[first]][columns[cells[second]]]
        return total

    def row_contributions(self, inputs: Sequence[float]) -> list[float]:
        """The contribution of each feature to the log-odds of one customer, as :meth:`contributions`."""
        mains, pairs = self._rows
        cells, parts = [], []
        for value, (cell_of, main) in zip(inputs, mains, strict=True):
            cell = cell_of(value)
            cells.append(cell)
            parts.append(main[cell] if type(main) is list else main(value))
        for first, second, rows, columns in pairs:
            half = 0.5 * rows[cells[first]][columns[cells[second]]]
            parts[first] += half
            parts[second] += half
        return parts

    def _block_mains(self, inputs: Floats) -> tuple[list[Places], list[Floats]]:
        cells = [axis.cells(inputs[:, place]) for place, axis in enumerate(self.axes)]
        values = [
            main.values(inputs[:, place]) if isinstance(main, Line) else main.take(cells[place])
            for place, main in enumerate(self.mains)
        ]
        return cells, values

    def _block_log_odds(self, inputs: Floats) -> Floats:
        cells, values = self._block_mains(inputs)
        total = np.full(len(inputs), self.intercept)
        for value in values:
            total += value
        for pair in self.pairs:
            total += pair.values(cells[pair.first], cells[pair.second])
        return total

    @cached_property
    def _rows(self) -> Any:
        """The tables as plain lists, made at the first use: plain Python reads them faster than NumPy's."""
        mains = [(_cell_reader(axis), _main_reader(main)) for axis, main in zip(self.axes, self.mains, strict=True)]
        return mains, [(p.first, p.second, _rows_of_cells(p), p.columns.tolist()) for p in self.pairs]


def _rows_of_cells(pair: Pair) -> list[list[float]]:
    """The row of the pair's table for each cell of its first feature; cells share their rows."""
    table = pair.table.tolist()
    return [table[row] for row in pair.rows.tolist()]


def _cell_reader(axis: Axis) -> Callable[[float], int]:
    if axis.cuts is None:
        return int
    cuts = axis.cuts.tolist()
    missing = len(cuts) + 1
    return lambda value: bisect_left(cuts, value) if value == value else missing


def _main_reader(main: Floats | Line) -> Any:
    if not isinstance(main, Line):
        return main.tolist()
    slope, offset, low, high, missing = main.slope, main.offset, main.low, main.high, main.missing
    return lambda value: slope * min(max(value, low), high) + offset if value == value else missing
