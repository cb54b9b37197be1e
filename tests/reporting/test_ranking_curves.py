"""Curves of the order of customers, and their bands."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.models.evaluate import METRICS
from churn_mlops.reporting.intervals import share_of
from churn_mlops.reporting.ranking_curves import SHORTEST_LIST, Ranking, ordered, rank

DRAW = np.random.default_rng(4)
SCORES = DRAW.beta(1, 9, 3000).round(3)  # many tie
Y = (DRAW.random(3000) < SCORES).astype(float)


@pytest.fixture(scope="module")
def ranking() -> Ranking:
    return rank(Y, SCORES, seed=1)


def test_the_area_under_the_roc_curve_is_the_auc(ranking: Ranking) -> None:
    order = ordered(Y, SCORES)
    x = np.linspace(0, 1, 5001)
    assert np.trapezoid(order.hits(x), x) == pytest.approx(METRICS["auc"](Y, SCORES), abs=1e-3)
    assert [point.y.value for point in ranking.roc] == pytest.approx(order.hits(np.array([p.x for p in ranking.roc])))


def test_lengths_hold_the_churners_that_stand_there(ranking: Ranking) -> None:
    best = np.argsort(-SCORES, kind="stable")
    tenth = next(length for length in ranking.lengths if length.share == pytest.approx(0.1))
    assert tenth.captured.value * 10 == pytest.approx(METRICS["lift_top_decile"](Y, SCORES), rel=0.01)
    assert tenth.expected == pytest.approx(SCORES[best[:300]].sum() / 3000)
    last = ranking.lengths[-1]
    assert (last.share, last.captured.value, last.churners.value) == (1.0, 1.0, Y.mean())
    assert last.expected == pytest.approx(SCORES.mean())
    assert ranking.lengths[0].share * 3000 >= SHORTEST_LIST


def test_customers_who_tie_stand_in_random_order() -> None:
    order = ordered(np.array([1.0, 0, 1, 0]), np.full(4, 0.3))
    assert order.churners_among(np.array([0.25, 0.5, 1.0])).tolist() == [0.5, 1.0, 2.0]
    assert order.hits(np.array([0.5])).tolist() == [0.5]
    assert order.precision(np.array([0.5, 1.0])) == pytest.approx([0.5, 0.5])


def test_the_band_of_a_list_is_as_wide_as_drawing_its_customers_makes_it(ranking: Ranking) -> None:
    """A share of churners in a fixed list is binomial; that the list itself is drawn adds a little."""
    for share in (0.05, 0.2, 0.5):
        length = min(ranking.lengths, key=lambda length: abs(length.share - share))
        rate = length.churners.value / length.share
        binomial = 2 * 1.96 * length.share * np.sqrt(rate * (1 - rate) / (length.share * 3000))
        assert 0.9 <= (length.churners.high - length.churners.low) / binomial <= 1.2


def test_every_interval_holds_its_value_and_shares_stay_shares(ranking: Ranking) -> None:
    figures = [point.y for point in (*ranking.roc, *ranking.precision_recall)]
    figures += [figure for length in ranking.lengths for figure in (length.churners, length.captured)]
    assert all(0 <= figure.low <= figure.value <= figure.high <= 1 for figure in figures)


def test_no_list_holds_more_churners_than_customers() -> None:
    y = np.r_[np.ones(300), np.zeros(700)]
    for length in rank(y, np.linspace(0.9, 0.1, 1000), seed=1).lengths:
        assert length.captured.value <= length.captured.high <= max(length.share / 0.3, length.captured.value)
        assert length.captured.high / length.share <= 1 / 0.3 + 1e-9


def test_counting_by_blocks_hardly_changes_a_curve() -> None:
    scores = np.random.default_rng(1).random(20_000)
    y = (np.random.default_rng(2).random(20_000) < scores).astype(float)
    exact, coarse = ordered(y, scores), ordered(y, scores, 200)
    assert len(coarse.churners) == 201
    at = np.linspace(0, 1, 101)
    assert np.abs(exact.churners_among(at) - coarse.churners_among(at)).max() / y.sum() < 0.003


def test_the_same_seed_gives_the_same_bands_and_five_churners_are_enough() -> None:
    y = np.zeros(60)
    y[::12] = 1
    scores = np.linspace(0.01, 0.3, 60)
    assert rank(y, scores, 3) == rank(y, scores, 3) != rank(y, scores, 4)


@pytest.mark.parametrize("all_left", [True, False])
def test_a_list_of_which_all_or_none_left_is_as_uncertain_as_its_few_customers(all_left: bool) -> None:
    scores = np.linspace(0.99, 0.01, 1000)
    y = np.zeros(1000)
    y[:100] = 1
    if not all_left:
        y = np.roll(y, 50)
    first = rank(y, scores, seed=0).lengths[0]
    assert first.share == 0.01  # 10 customers
    own = share_of(10.0 * all_left, 10)
    assert first.churners.value == 0.01 * all_left
    assert first.churners.low <= own.low * 0.01
    assert first.churners.high >= own.high * 0.01
    assert (own.high - own.low) > 0.25
    assert first.captured.low < first.captured.high


def test_the_list_of_all_customers_holds_all_churners_for_certain(ranking: Ranking) -> None:
    last = ranking.lengths[-1].captured
    assert (last.low, last.value, last.high) == (1, 1, 1)
