"""Calibration: affine in log-odds, with a slope that is positive whatever it is given."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.models.calibration import Calibration, cautious, fit_calibration, sigmoid
from churn_mlops.models.fitting.bagging import averaging_gain
from churn_mlops.models.scorers.lookup_tables import Floats


def drawn(rows: int, intercept: float, slope: float, seed: int = 0) -> tuple[Floats, Floats]:
    draw = np.random.default_rng(seed)
    raw = draw.normal(-0.5, 1.5, rows)
    return raw, (draw.random(rows) < sigmoid(intercept + slope * raw)).astype(np.float64)


@pytest.mark.parametrize(("intercept", "slope"), [(0.0, 1.0), (-1.0, 0.5), (0.7, 2.0)])
def test_it_finds_the_calibration_that_made_the_labels(intercept: float, slope: float) -> None:
    found = fit_calibration(*drawn(50_000, intercept, slope))
    assert found.intercept == pytest.approx(intercept, abs=0.06)
    assert found.slope == pytest.approx(slope, abs=0.06)


def test_calibrated_scores_expect_as_many_churners_as_there_are() -> None:
    raw, y = drawn(2000, -1.0, 0.5)
    found = fit_calibration(raw, y)
    assert sigmoid(found.intercept + found.slope * raw).sum() == pytest.approx(y.sum(), rel=1e-6)


def test_scores_that_are_all_alike_become_the_base_rate() -> None:
    y = np.r_[np.ones(30), np.zeros(70)]
    for prior in (True, False):
        found = fit_calibration(np.full(100, -3.0), y, prior=prior)
        assert sigmoid(np.array([found.intercept - 3.0 * found.slope]))[0] == pytest.approx(0.3)


def test_the_slope_stays_positive_where_the_scores_point_the_wrong_way() -> None:
    raw, y = drawn(5000, 0.0, 1.0)
    found = fit_calibration(-raw, y)
    assert 0 < found.slope <= 1e-3
    assert sigmoid(found.intercept - found.slope * raw).mean() == pytest.approx(y.mean(), abs=0.01)


def test_the_prior_holds_few_rows_near_one_and_many_rows_not_at_all() -> None:
    few, many = drawn(40, 0.0, 4.0), drawn(50_000, 0.0, 4.0)
    free, held = fit_calibration(*few, prior=False).slope, fit_calibration(*few).slope
    assert abs(held - 1) < abs(free - 1)
    assert fit_calibration(*many).slope == pytest.approx(fit_calibration(*many, prior=False).slope, rel=0.01)


@given(st.lists(st.tuples(st.floats(-40, 40), st.booleans()), min_size=2, max_size=40))
def test_no_scores_at_all_upset_it(rows: list[tuple[float, bool]]) -> None:
    raw = np.array([score for score, _ in rows])
    y = np.array([float(left) for _, left in rows])
    y[0], y[-1] = 1.0, 0.0
    found = fit_calibration(raw, y)
    assert np.isfinite(found.intercept)
    assert found.slope > 0


def test_a_bend_finds_scores_that_say_less_at_the_top() -> None:
    draw = np.random.default_rng(4)
    raw = draw.normal(-1.0, 1.5, 40_000)
    truth = np.where(raw > 0.3, 0.3 + 0.2 * (raw - 0.3), raw)
    y = (draw.random(40_000) < sigmoid(truth)).astype(np.float64)
    affine, bent = fit_calibration(raw, y), fit_calibration(raw, y, bent=True)
    top = raw > np.quantile(raw, 0.9)
    assert y[top].sum() / sigmoid(affine.of(raw))[top].sum() < 0.95
    assert y[top].sum() / sigmoid(bent.of(raw))[top].sum() == pytest.approx(1, abs=0.05)
    assert bent.bend < -0.4


@given(st.lists(st.tuples(st.floats(-40, 40), st.booleans()), min_size=3, max_size=40))
def test_a_bent_calibration_ascends_whatever_it_is_fitted_on(rows: list[tuple[float, bool]]) -> None:
    raw = np.array([score for score, _ in rows])
    y = np.array([float(left) for _, left in rows])
    y[0], y[-1] = 1.0, 0.0
    found = fit_calibration(raw, y, bent=True)
    steps = np.diff(found.of(np.linspace(-50, 50, 500)))
    assert np.isfinite(steps).all()
    assert (steps > 0).all()


def test_the_rate_spreads_the_calibrated_difference_over_the_raw_one() -> None:
    calibration = Calibration(0.3, 1.4, -0.9, 0.5)
    raw = np.array([-3.0, -0.2, 0.7, 4.0])
    base = -0.2
    expected = calibration.of(raw) - calibration.of(np.array(base))
    np.testing.assert_allclose(calibration.rate(raw, base) * (raw - base), expected, atol=1e-12)
    near = calibration.rate(np.array([base, base + 1e-5]), base)
    assert near[0] == pytest.approx(near[1], abs=1e-4)


@pytest.mark.parametrize(("noise", "bags"), [(0.3, 10), (0.7, 10), (2.0, 4)])
def test_an_average_of_bags_is_made_as_much_steeper_as_its_own_calibration_would_be(noise: float, bags: int) -> None:
    draw = np.random.default_rng(1)
    signal = draw.normal(size=200_000)
    y = (draw.random(len(signal)) < sigmoid(signal - 1.0)).astype(np.float64)
    scores = signal + draw.normal(0.0, noise, (bags + 2, len(signal)))
    of_two = fit_calibration((scores[0] + scores[1]) / 2, y).slope
    of_all = fit_calibration(scores[2:].mean(axis=0), y).slope
    assert averaging_gain(scores[0], scores[1], bags) == pytest.approx(of_all / of_two, rel=0.05)


@given(st.integers(0, 2**32 - 1), st.floats(0, 3), st.floats(-1, 1), st.integers(2, 20))
def test_an_average_is_never_made_flatter_nor_steeper_than_pure_noise_would_need(
    seed: int, noise: float, shared: float, bags: int
) -> None:
    draw = np.random.default_rng(seed)
    signal = draw.normal(size=30)
    once, again = (signal * factor + draw.normal(0, noise, 30) for factor in (1.0, shared))
    assert 1.0 <= averaging_gain(once, again, bags) <= bags / 2 + 1e-9


def test_scores_that_do_not_differ_are_left_as_they_are() -> None:
    assert averaging_gain(np.zeros(5), np.zeros(5), 10) == 1.0


def test_caution_takes_much_from_few_rows_and_little_from_many() -> None:
    few, many = drawn(100, -1.0, 0.5), drawn(20_000, -1.0, 0.5)
    kept = []
    for raw, y in (few, many):
        found = fit_calibration(raw, y)
        held = cautious(found, raw, y, 6)
        kept.append(held.slope / found.slope)
        assert sigmoid(held.of(raw)).sum() == pytest.approx(sigmoid(found.of(raw)).sum(), rel=1e-6)
    assert kept[0] < 0.8
    assert 0.97 < kept[1] < 1.0


def test_caution_counts_the_smaller_class() -> None:
    raw, y = drawn(2000, -4.0, 0.5)
    found = fit_calibration(raw, y)
    mirrored = cautious(fit_calibration(-raw, 1.0 - y), -raw, 1.0 - y, 3)
    assert cautious(found, raw, y, 3).slope == pytest.approx(mirrored.slope, rel=1e-6)
    rare = cautious(found, raw, y, 0).slope / found.slope
    assert rare == pytest.approx(y.sum() / (y.sum() + 5))


@pytest.mark.parametrize("choices", [0, 4])
def test_scores_that_are_all_alike_keep_a_slope_that_ascends(choices: int) -> None:
    log_odds, y = np.full(30, 0.25), np.arange(30) % 2.0
    calibration = cautious(fit_calibration(log_odds, y), log_odds, y, choices)
    assert calibration.slope > 0
    np.testing.assert_allclose(sigmoid(calibration.of(log_odds)), 0.5)
