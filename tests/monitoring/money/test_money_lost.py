"""Money lost is what the newest lists earn less than those before them, by the labels of all customers."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression

from churn_mlops.monitoring import ListGain, ListTerms, Measurement, ScoredRows, money_lost, week_gain
from churn_mlops.monitoring.money.list_gain import ERRORS_OF_95
from churn_mlops.monitoring.money.lists import DAYS_OF_A_MONTH
from churn_mlops.monitoring.money.money_lost import LEAST_VARIATION
from churn_mlops.retention import Economics, expected_gain

ECONOMICS = Economics(value=600.0, offer_cost=20.0, contact_cost=1.0, kept_share=0.3)
TERMS = ListTerms(ECONOMICS.gain_from_leaver, ECONOMICS.cost_of_stayer, None, 30, 4000)
DAY = date(2026, 11, 22)


def customers(seed: int, factor: float = 1.0, count: int = 4000) -> ScoredRows:
    """Customers who leave ``factor`` times as often as their scores say."""
    draw = np.random.default_rng(seed)
    scores = draw.beta(1, 9, count)
    churned = (draw.random(count) < np.minimum(1, factor * scores)).astype(float)
    return ScoredRows(np.arange(count), scores, churned, np.ones(count))


def gain(rows: ScoredRows, terms: ListTerms = TERMS) -> Measurement:
    return week_gain(rows, terms, str(DAY))


def error(one: Measurement) -> float:
    """The standard error that the interval shows."""
    return ((one.high or 0.0) - (one.low or 0.0)) / 2 / ERRORS_OF_95


def months(*values: float, error: float = 0.0) -> list[ListGain]:
    """The gain of lists a month apart, the newest last."""
    return [ListGain(DAY - timedelta(days=30 * ago), value, error) for ago, value in enumerate(reversed(values))]


def lost(gains: list[ListGain]) -> Measurement:
    return {one.name: one for one in money_lost(gains, 30)}["money_lost"]


@pytest.mark.parametrize("rarer", [1, 3])
def test_a_list_earns_by_the_probabilities_that_fit_the_labels_of_all(rarer: int) -> None:
    rows, few = customers(1, count=20_000), replace(TERMS, most=1500, customers=20_000)
    draw, scores = np.random.default_rng(2), rows.scores / rarer
    churned = (draw.random(20_000) < 0.8 * scores).astype(float)
    odds = np.log(scores / (1 - scores))[:, None]
    refit = LogisticRegression(C=np.inf, tol=1e-12).fit(odds, churned).predict_proba(odds)[:, 1]
    worth = expected_gain(scores, ECONOMICS) > 0
    listed = worth & (scores >= np.sort(scores)[-1500])
    expected = float(expected_gain(refit, ECONOMICS)[listed].sum()) * DAYS_OF_A_MONTH / 30
    assert expected
    assert gain(replace(rows, scores=scores, churned=churned), few).value == pytest.approx(expected, rel=1e-4)


def test_a_customer_of_the_control_group_counts_for_as_many_as_their_weight() -> None:
    rows = customers(2)
    twice = ScoredRows(*(np.tile(getattr(rows, name), 2) for name in ("customers", "scores", "churned", "weights")))
    heavy, many = gain(replace(rows, weights=np.full(4000, 2.0))), gain(twice)
    assert heavy.value == pytest.approx(many.value)
    assert error(heavy) > 2**0.5 * error(many)  # of labels alone; who is in the control group is chance as well


def test_the_interval_of_a_week_holds_the_chance_of_who_is_in_the_control_group() -> None:
    rows, share, found = customers(3), 0.3, []
    few = ListTerms(89.0, 80.0, None, 30, 4000)
    all_of_them, listed = gain(rows, few), np.asarray(few.gains(rows.scores) > 0)
    assert listed.sum() == 10
    for seed in range(60):
        in_control = np.random.default_rng(seed).random(4000) < share
        weights = np.where(listed, 1 / share, 1.0)
        found.append(gain(replace(rows, weights=weights).only(~listed | in_control), few))
    drawn = float(np.std([one.value for one in found]))
    by_both = np.hypot(drawn, error(all_of_them))
    assert 0.95 * by_both < float(np.mean([error(one) for one in found])) < 1.15 * by_both


def test_the_interval_of_a_week_holds_its_true_gain_and_is_narrower_than_by_the_list_alone() -> None:
    held, values, alone = 0, [], []
    for seed in range(200):
        rows = customers(1000 + seed)
        found, listed = gain(rows), expected_gain(rows.scores, ECONOMICS) > 0
        true = float(expected_gain(rows.scores, ECONOMICS)[listed].sum()) * DAYS_OF_A_MONTH / 30
        by_list = float(TERMS.gains(rows.churned)[listed].sum()) * DAYS_OF_A_MONTH / 30
        held += (found.low or 0.0) <= true <= (found.high or 0.0)
        values.append((found.value or 0.0) - true)
        alone.append(by_list - true)
    assert 181 <= held <= 198  # 95 % of 200 are 190
    assert np.std(values) < np.std(alone)


@settings(max_examples=20, deadline=None)
@given(st.integers(2, 5), st.integers(0, 50), st.none() | st.integers(0, 9000))
def test_a_company_that_grows_is_no_model_that_changed(times: int, seed: int, most: int | None) -> None:
    rows, terms = customers(seed, count=1000), replace(TERMS, most=most)
    names = ("customers", "scores", "churned", "weights")
    larger = ScoredRows(*(np.tile(getattr(rows, name), times) for name in names))
    same, grown = gain(rows, terms).value, gain(larger, terms).value
    assert grown == pytest.approx(same, rel=1e-4, abs=1e-6)


def test_labels_that_are_not_final_are_left_out() -> None:
    rows = customers(6)
    unknown = replace(rows, churned=np.where(np.arange(4000) < 1000, np.nan, rows.churned))
    assert gain(unknown) == gain(rows.only(np.arange(4000) >= 1000))


def test_few_churners_and_labels_that_a_score_foresees_without_error_break_nothing() -> None:
    assert gain(replace(customers(8), churned=np.zeros(4000))).status == "too_little"
    rows = customers(8)
    foreseen = replace(rows, scores=rows.churned)
    assert gain(foreseen).value == pytest.approx(rows.churned.sum() * TERMS.churner * DAYS_OF_A_MONTH / 30, rel=1e-3)


def test_the_figure_says_by_which_terms_it_was_measured() -> None:
    rows = customers(9)
    steps = {gain(rows, replace(TERMS, most=most)).next_step for most in (None, 10, 20)}
    steps.add(gain(rows, replace(TERMS, churner=TERMS.churner + 1)).next_step)
    assert len(steps) == 4


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ([100, 100, 100, 100], "good"),
        ([100, 100, 100, 92], "good"),  # companies earn differently from month to month
        ([100, 100, 100, 85], "watch"),
        ([100, 100, 100, 70], "act"),
        ([100, 100, 100, 100, 100, 100, 88, 88, 88, 88, 88, 88], "act"),  # less, for longer
        ([100, 130, 70, 100, 80], "good"),  # this one varies more than others
        ([100, 100, 100, 150], "good"),
        ([-100, -100, -100, -200], "act"),
    ],
)
def test_a_loss_is_sure_if_it_is_large_or_lasts(values: list[float], status: str) -> None:
    found = lost(months(*values))
    assert found.status == status
    assert found.value == pytest.approx((found.denominator or 0.0) - (found.numerator or 0.0))
    assert (found.low or 0.0) < (found.value or 0.0) < (found.high or 0.0)


def test_a_small_loss_that_lasts_very_long_is_watched() -> None:
    assert lost(months(*[100] * 60, *[98] * 12)).status == "good"
    assert lost(months(*[100] * 60, *[96] * 12)).status == "watch"


@settings(max_examples=50, deadline=None)
@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=30), st.floats(0, 1e5), st.floats(1e-3, 1e3))
def test_money_in_another_currency_has_the_same_verdict(values: list[float], error: float, rate: float) -> None:
    gains = months(*values, error=error)
    changed = [ListGain(one.as_of, one.value * rate, one.error * rate) for one in gains]
    here, there = lost(gains), lost(changed)
    assert there.value == pytest.approx(rate * (here.value or 0.0), rel=1e-6, abs=1e-6 * rate)
    assert lost(list(reversed(gains))) == here


def test_lists_that_share_their_labels_count_as_one() -> None:
    weekly = [ListGain(DAY - timedelta(days=7 * ago), 70.0 if ago < 4 else 100.0, 3.0) for ago in range(16)]
    found = {one.name: one for one in money_lost(weekly, 30)}
    assert found["list_gain"].value == pytest.approx((4 * 70 + 100) / 5)  # 5 weeks begin within the newest 30 days
    assert found["list_gain_then"].value == 100
    wide = (found["list_gain_then"].high or 0.0) - 100
    three = 1.96 * np.hypot(3, 100 * LEAST_VARIATION) / 3**0.5
    assert wide == pytest.approx(three)


def test_a_young_model_has_no_loss_yet() -> None:
    assert {one.status for one in money_lost([], 30)} == {"too_little"}
    found = {one.name: one for one in money_lost(months(100.0, error=5.0), 30)}
    assert (found["list_gain_then"].value, found["list_gain_then"].high) == (100.0, pytest.approx(109.8))
    assert (found["list_gain"].value, found["money_lost"].value) == (None, None)


def test_lists_that_no_one_is_on_lose_nothing_and_all_ends_are_numbers() -> None:
    found = lost(months(0.0, 0.0))
    assert found.status == "good"
    assert (found.low, found.value, found.high) == (0.0, 0.0, 0.0)


def test_in_two_quiet_years_a_loss_is_rarely_called() -> None:
    draw = np.random.default_rng(5)
    called = 0
    for _ in range(100):
        values = 100 + draw.normal(0, 100 * LEAST_VARIATION, 24) + draw.normal(0, 8, 24)
        called += any(lost(months(*values[:seen], error=8.0)).status == "act" for seen in range(2, 25))
    assert called <= 6
