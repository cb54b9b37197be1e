"""The cost of churn, and the earnings of a list."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from churn_mlops.pipelines.training.report import Recorded
from churn_mlops.reporting import Report, money_of, sentences
from churn_mlops.reporting.money import monthly, year_cost
from churn_mlops.reporting.ranking_curves import rank
from churn_mlops.reporting.report_data import Figure, Length
from churn_mlops.retention import Economics, expected_gain

SEED = Economics()  # 500 USD a customer, 50 USD an offer, 20 % kept


SCORES = np.random.default_rng(1).beta(1, 4, 900)
LEFT = (np.random.default_rng(2).random(900) < SCORES).astype(float)


def exact(value: float) -> Figure:
    return Figure(value=value, low=value, high=value)


@pytest.fixture(scope="module")
def report(found: Recorded) -> Report:
    """The company's report, with lists of customers, many of them likely to leave."""
    return changed(found.report, lengths=rank(LEFT, SCORES, seed=0).lengths)


def changed(report: Report, **facts: Any) -> Report:
    return report.model_copy(update=facts)


def test_the_running_example_costs_30_million_a_year(report: Report) -> None:
    """100,000 customers, 5 % a month, 500 USD each."""
    money = money_of(changed(report, churn=exact(0.05)), SEED, customers=100_000)
    assert money.churners.value == pytest.approx(5_000)
    assert money.year_cost.value == pytest.approx(30_000_000)
    assert year_cost(5_000, 500) == 30_000_000


def test_amounts_that_no_one_set_are_called_defaults_and_the_others_are_not(report: Report) -> None:
    default = money_of(report, SEED, defaults=("customer_value", "offer_cost"))
    said = sentences.defaults(default).replace("\u00a0", " ")
    assert said.startswith("Defaults, not set by you: a customer who stays is worth 500 USD and an offer costs 50 USD.")
    assert said.endswith("set decision.customer_value and decision.offer_cost.")
    assert "(a default, not set by you)" in sentences.churn_costs(report, default)
    assert "these settings (defaults, not set by you)" in sentences.list_earns(default)
    half = money_of(report, SEED, defaults=("offer_cost",))
    assert "customer" not in sentences.defaults(half)
    given = money_of(report, SEED)
    assert sentences.defaults(given) == ""
    assert "default" not in sentences.churn_costs(report, given) + sentences.list_earns(given)


def test_customers_who_have_left_already_are_not_counted_as_active(report: Report) -> None:
    counts = report.counts.model_copy(update={"source": 100, "left": 30})
    assert money_of(changed(report, counts=counts), SEED).customers == 70


def test_the_running_example_earns_what_the_formula_says(report: Report) -> None:
    """620 of the 1,000 contacted would leave: 20 % of them are kept, everyone else takes the offer for nothing."""
    length = Length(
        share=0.01, churners=Figure(value=0.0062, low=0.005, high=0.007), captured=exact(0.124), expected=0.006
    )
    money = money_of(changed(report, lengths=(length,)), SEED, customers=100_000)
    assert money.best is not None
    assert money.best.net.value == pytest.approx(620 * (0.2 * (500 - 50) - 1) - 380 * (50 + 1))
    assert money.best.kept == pytest.approx(124)
    assert money.best.cost == pytest.approx(1000 * 1 + 50 * (124 + 380))
    assert money.best.net.value == pytest.approx(124 * 500 - money.best.cost)
    assert money.best.net.low == pytest.approx(500 * 89 - 500 * 51)


def test_what_the_scores_expect_is_the_gain_of_those_on_the_list(report: Report) -> None:
    for entry in money_of(report, SEED, customers=900).lists:
        listed = np.sort(SCORES)[::-1][: round(entry.share * 900)]
        assert entry.expected == pytest.approx(float(expected_gain(listed, SEED).sum()))


def test_the_best_list_is_the_customers_that_are_each_expected_to_gain(report: Report) -> None:
    worth_it = (expected_gain(SCORES, SEED) > 0).mean()
    best = money_of(report, SEED).best
    assert best is not None
    assert best.share == pytest.approx(worth_it, abs=0.01)


def test_the_best_length_is_chosen_by_the_scores_not_by_the_luck_of_who_left(report: Report) -> None:
    lucky = Length(share=0.02, churners=exact(0.02), captured=exact(0.4), expected=0.006)
    sober = Length(share=0.05, churners=exact(0.02), captured=exact(0.4), expected=0.025)
    money = money_of(changed(report, lengths=(lucky, sober)), SEED)
    assert money.best is not None
    assert money.best.share == 0.05
    assert money.lists[0].net.value > money.lists[1].net.value


def test_other_settings_change_the_money_without_training(report: Report) -> None:
    dear = money_of(report, replace(SEED, offer_cost=400.0))
    assert dear.best is None
    generous = money_of(report, replace(SEED, kept_share=0.5))
    assert generous.best is not None
    usual = money_of(report, SEED)
    assert usual.best is not None
    assert generous.best.share > usual.best.share
    assert generous.best.net.value > usual.best.net.value


def test_no_list_is_longer_than_the_capacity(report: Report) -> None:
    money = money_of(report, replace(SEED, kept_share=0.9), customers=10_000, capacity=150)
    assert money.best is not None
    assert money.best.contacts <= 150


def test_money_grows_with_the_customers_and_shares_do_not(report: Report) -> None:
    one, ten = money_of(report, SEED, customers=1_000), money_of(report, SEED, customers=10_000)
    assert one.best is not None
    assert ten.best is not None
    assert ten.best.share == one.best.share
    assert ten.best.net.value == pytest.approx(10 * one.best.net.value)
    assert ten.year_cost.high == pytest.approx(10 * one.year_cost.high)


def test_another_horizon_is_brought_to_a_month() -> None:
    assert monthly(0.05, 30) == pytest.approx(0.05)
    assert monthly(1 - 0.95**3, 90) == pytest.approx(0.05)
