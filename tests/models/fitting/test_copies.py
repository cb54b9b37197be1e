"""Copies of a row are told from customers who look alike, and kept together."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.models.fitting.copies import copy_groups
from churn_mlops.models.fitting.inputs import stratified_folds
from churn_mlops.models.scorers.lookup_tables import Floats

ROWS = 2_000


def customers(seed: int = 1) -> tuple[list[Floats], Floats]:
    rng = np.random.default_rng(seed)
    charge, plan = rng.permutation(ROWS) / 100, rng.integers(0, 3, ROWS).astype(float)
    gone = np.where(rng.random(ROWS) < 0.1, np.nan, rng.integers(0, 40, ROWS))
    return [charge, plan, gone], (rng.random(ROWS) < 0.15 + 0.1 * (plan == 1)).astype(float)


def with_copies(count: int) -> tuple[list[Floats], Floats]:
    columns, y = customers()
    return [np.r_[column, column[:count]] for column in columns], np.r_[y, y[:count]]


def test_copies_get_the_number_of_what_they_copy_and_others_their_own() -> None:
    groups = copy_groups(*with_copies(200))
    assert groups is not None
    assert (groups[:200] == groups[ROWS:]).all()
    assert len(np.unique(groups)) == ROWS


def test_copies_stay_on_one_side_of_every_fold() -> None:
    columns, y = with_copies(200)
    groups = copy_groups(columns, y)
    assert groups is not None
    for train, held_out in stratified_folds(y, 5, 0, groups):
        assert not np.isin(groups[held_out], groups[train]).any()


def test_the_order_of_rows_and_columns_decides_nothing() -> None:
    columns, y = with_copies(200)
    order = np.random.default_rng(3).permutation(len(y))
    groups = copy_groups([column[order] for column in reversed(columns)], y[order])
    assert groups is not None
    assert len(np.unique(groups)) == ROWS


@pytest.mark.parametrize("kept", [[1], [2], [1, 2]])
def test_customers_who_look_alike_in_coarse_columns_are_no_copies(kept: list[int]) -> None:
    columns, y = customers()
    assert copy_groups([columns[place] for place in kept], y) is None


def test_rows_without_a_repeat_or_with_few_of_them_are_no_copies() -> None:
    assert copy_groups(*customers()) is None
    assert copy_groups(*with_copies(9)) is None


def test_rows_that_repeat_with_labels_of_their_own_are_no_copies() -> None:
    columns, y = with_copies(200)
    y[ROWS:] = np.random.default_rng(4).permutation(y[ROWS:])
    assert copy_groups(columns, y) is None


def test_one_label_alone_says_nothing_about_copies() -> None:
    columns, y = with_copies(200)
    assert copy_groups(columns, np.zeros_like(y)) is None


def test_so_few_different_rows_that_no_split_is_left_are_taken_as_customers() -> None:
    plan = np.repeat(np.arange(20.0), 10)
    assert copy_groups([plan, plan % 7], (plan < 5).astype(float)) is None
    assert copy_groups([plan, plan % 7], (plan < 10).astype(float)) is not None
