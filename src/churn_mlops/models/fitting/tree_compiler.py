"""Reads LightGBM's trees, and compiles trees of depth 1 or 2 into lookup tables without loss.

Each leaf of such a tree is reached through conditions on at most two features, so the tree is a sum of functions of one
feature and of two; the sum over all trees is one table for each feature and each pair.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Axis, Floats, Pair, Places

Mask = npt.NDArray[np.bool_]
_CATEGORICAL, _DEFAULT_LEFT, _MISSING_IS_NAN = 1, 2, 2


@dataclass(frozen=True)
class Split:
    """A condition on one feature: ``x <= threshold``, or the code of a category among ``codes``."""

    feature: int
    threshold: float
    codes: frozenset[int] | None
    missing_left: bool

    def left(self, axis: Axis) -> Mask:
        """Which cells of ``axis`` go left, shape (axis.size,)."""
        if self.codes is not None:
            return np.array([code in self.codes for code in range(axis.size)])
        if axis.cuts is None:
            raise ValueError(f"a tree splits the category {axis.name!r} as a number")
        mask = np.arange(axis.size) <= np.searchsorted(axis.cuts, self.threshold, side="left")
        mask[-1] = self.missing_left
        return mask


@dataclass(frozen=True)
class Leaf:
    """A leaf's value, and the conditions that lead to it (each with: does the left branch lead there)."""

    value: float
    path: tuple[tuple[Split, bool], ...]


def leaves_of(model_text: str, trees: int) -> Iterator[Leaf]:
    """The leaves of the first ``trees`` trees of ``Booster.model_to_string()``."""
    blocks = model_text.split("\nTree=")[1:]
    for block in blocks[:trees]:
        values = dict(line.split("=", 1) for line in block.split("\n\n")[0].splitlines()[1:] if "=" in line)
        leaf_values = _numbers(values["leaf_value"])
        if int(values["num_leaves"]) == 1:
            yield Leaf(leaf_values[0], ())
            continue
        splits = _splits(values)
        children = (_integers(values["left_child"]), _integers(values["right_child"]))
        stack: list[tuple[int, tuple[tuple[Split, bool], ...]]] = [(0, ())]
        while stack:
            node, path = stack.pop()
            if node < 0:
                yield Leaf(leaf_values[~node], path)
                continue
            stack.append((children[0][node], (*path, (splits[node], True))))
            stack.append((children[1][node], (*path, (splits[node], False))))


def compile_trees(leaves: Iterable[Leaf], axes: Sequence[Axis], inputs: Floats, min_rows: int = 1) -> AdditiveTables:
    """The exact sum of ``leaves`` as purified, centred tables.

    A level, "other" or missing with fewer training rows than ``min_rows`` says nothing: its values are zero, where a
    tree would send it down an arbitrary branch.

    Args:
        leaves: of trees of depth at most 2.
        axes: one for each feature; the cuts of numbers are taken from the trees, those given here are not used.
        inputs: the training inputs, shape (rows, features): their joint counts are the weights of the purification.
        min_rows: rows from which a level counts, at least 1.

    Raises:
        ValueError: a leaf depends on more than two features.
    """
    by_features: dict[tuple[int, ...], list[Leaf]] = defaultdict(list)
    for leaf in leaves:
        by_features[tuple(sorted({split.feature for split, _ in leaf.path}))].append(leaf)
    everything = [leaf for group in by_features.values() for leaf in group]
    axes = [_with_cuts(axis, place, everything) for place, axis in enumerate(axes)]
    cells = [axis.cells(inputs[:, place]) for place, axis in enumerate(axes)]
    counts = [_counts(cells[place], axis, min_rows) for place, axis in enumerate(axes)]
    mains = [np.zeros(axis.size) for axis in axes]
    intercept, pairs = 0.0, []
    for features, group in sorted(by_features.items()):
        if len(features) == 0:
            intercept += sum(leaf.value for leaf in group)
        elif len(features) == 1:
            mains[features[0]] += sum(leaf.value * _mask(leaf, features[0], axes[features[0]]) for leaf in group)
        elif len(features) == 2:
            pairs.append(_purified_pair(features[0], features[1], group, axes, cells, counts, mains))
        else:
            raise ValueError(
                f"a leaf depends on {len(features)} features: only trees of depth 1 or 2 compile to tables"
            )
    for place, main in enumerate(mains):
        intercept += _centre(main, counts[place], axes[place])
    return AdditiveTables(float(intercept), tuple(axes), tuple(mains), tuple(pairs))


def _purified_pair(
    first: int,
    second: int,
    group: list[Leaf],
    axes: Sequence[Axis],
    cells: list[Places],
    counts: list[Floats],
    mains: list[Floats],
) -> Pair:
    """The pair's table; what it says about one feature alone is added to that feature's own table."""
    coarse = (_with_cuts(axes[first], first, group), _with_cuts(axes[second], second, group))
    rows, columns = _coarser(axes[first], coarse[0]), _coarser(axes[second], coarse[1])
    shape = (coarse[0].size, coarse[1].size)
    table = np.zeros(shape)
    for leaf in group:
        table[np.ix_(_mask(leaf, first, coarse[0]), _mask(leaf, second, coarse[1]))] += leaf.value
    places = rows[cells[first]] * shape[1] + columns[cells[second]]
    weights = np.bincount(places, minlength=table.size).astype(float).reshape(shape)
    silent = (_silent(counts[first], axes[first]), _silent(counts[second], axes[second]))
    weights[rows[silent[0]]] = 0.0
    weights[:, columns[silent[1]]] = 0.0
    by_row, by_column = purify(table, weights)
    mains[first] += by_row[rows]
    mains[second] += by_column[columns]
    table[rows[silent[0]]] = 0.0
    table[:, columns[silent[1]]] = 0.0
    return Pair(first, second, rows, columns, table)


def purify(table: Floats, weights: Floats, tolerance: float = 1e-13, rounds: int = 10_000) -> tuple[Floats, Floats]:
    """Move out of ``table`` (in place) what it says about its rows alone and about its columns alone.

    Afterwards the weighted mean of every row and column is zero (a row without weight: its plain mean), and
    ``table + rows[:, None] + columns[None, :]`` is what it was. Source: Lengerich et al. 2020, "Purifying interaction
    effects with the functional ANOVA", algorithm 1.

    Args:
        table: shape (rows, columns), log-odds.
        weights: same shape, joint training counts, at least 0.
        tolerance: largest mean, in log-odds, that may be left.
        rounds: most rounds.

    Returns:
        What belongs to the rows, shape (rows,), and to the columns, shape (columns,).
    """
    row_weights = np.where(weights.sum(axis=1, keepdims=True) > 0, weights, 1.0)
    column_weights = np.where(weights.sum(axis=0, keepdims=True) > 0, weights, 1.0)
    row_weights = row_weights / row_weights.sum(axis=1, keepdims=True)
    column_weights = column_weights / column_weights.sum(axis=0, keepdims=True)
    by_row, by_column = np.zeros(table.shape[0]), np.zeros(table.shape[1])
    for _ in range(rounds):
        row_means = (table * row_weights).sum(axis=1)
        table -= row_means[:, None]
        by_row += row_means
        column_means = (table * column_weights).sum(axis=0)
        table -= column_means[None, :]
        by_column += column_means
        if max(np.abs(row_means).max(), np.abs(column_means).max()) < tolerance:
            break
    return by_row, by_column


def _centre(main: Floats, counts: Floats, axis: Axis) -> float:
    """Centre ``main`` (in place) on the training rows and return its mean; silent cells become zero."""
    mean = float(main @ counts / counts.sum()) if counts.any() else 0.0
    main -= mean
    main[_silent(counts, axis)] = 0.0
    return mean


def _counts(cells: Places, axis: Axis, min_rows: int) -> Floats:
    """Training rows in each cell of ``axis``; zero in the cells that have too few to say anything."""
    counts = np.bincount(cells, minlength=axis.size).astype(float)
    few = counts < min_rows
    if axis.cuts is not None:
        few[:-1] = False
    counts[few] = 0.0
    return counts


def _silent(counts: Floats, axis: Axis) -> Places:
    """Cells that say nothing: levels, "other" and missing without rows. A number's steps keep their trees' values."""
    empty = counts == 0
    if axis.cuts is not None:
        empty[:-1] = False
    return np.flatnonzero(empty)


def _with_cuts(axis: Axis, place: int, leaves: Iterable[Leaf]) -> Axis:
    if axis.cuts is None:
        return axis
    cuts = {split.threshold for leaf in leaves for split, _ in leaf.path if split.feature == place}
    cuts.discard(math.inf)  # all numbers go left: the split is by missing or not
    return Axis(axis.name, np.array(sorted(cuts), dtype=float))


def _coarser(fine: Axis, coarse: Axis) -> Places:
    """For each cell of ``fine``, the cell of ``coarse`` that holds it; coarse cuts are among the fine ones."""
    if fine.cuts is None or coarse.cuts is None:
        return np.arange(fine.size)
    steps = np.searchsorted(coarse.cuts, np.append(fine.cuts, np.inf), side="left")
    return np.append(steps, coarse.size - 1)


def _mask(leaf: Leaf, feature: int, axis: Axis) -> Mask:
    mask = np.ones(axis.size, dtype=bool)
    for split, goes_left in leaf.path:
        if split.feature == feature:
            left = split.left(axis)
            mask &= left if goes_left else ~left
    return mask


def _splits(values: dict[str, str]) -> list[Split]:
    categories = _integers(values["cat_boundaries"]) if "cat_boundaries" in values else []
    words = _integers(values["cat_threshold"]) if "cat_threshold" in values else []
    splits = []
    for feature, threshold, kind in zip(
        _integers(values["split_feature"]),
        _numbers(values["threshold"]),
        _integers(values["decision_type"]),
        strict=True,
    ):
        if kind & _CATEGORICAL:
            low, high = categories[int(threshold)], categories[int(threshold) + 1]
            codes = frozenset(
                32 * place + bit for place, word in enumerate(words[low:high]) for bit in range(32) if word >> bit & 1
            )
            splits.append(Split(feature, threshold, codes, missing_left=False))
        else:
            is_nan = kind >> 2 == _MISSING_IS_NAN
            missing_left = bool(kind & _DEFAULT_LEFT) if is_nan else threshold >= 0.0
            splits.append(Split(feature, threshold, None, missing_left))
    return splits


def _numbers(text: str) -> list[float]:
    return [float(part) for part in text.split()]


def _integers(text: str) -> list[int]:
    return [int(part) for part in text.split()]
