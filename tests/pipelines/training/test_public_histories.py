"""Public histories: models are trained honestly on what `churn init` proposes for them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bench.histories import against, periods_of, proposed, read_company
from churn_mlops.config import Settings
from churn_mlops.models.evaluate import evaluate
from churn_mlops.pipelines.training.backtest import backtest_scores
from churn_mlops.pipelines.training.context import ModelSpec

PERMUTATIONS = 6
MODEL = ModelSpec("logistic_regression", Settings().training.seed, "0.03")


def test_ends_of_other_customers_are_not_predicted_as_the_real_ones_are(public_data: Path) -> None:
    """On dates that the model knew nothing of; the order of scores for real ends is beyond that for any shuffled."""
    company = read_company(public_data, snapshots=6)
    customers = np.arange(len(company.names))
    draws = [np.random.default_rng(seed).permutation(customers) for seed in range(PERMUTATIONS)]
    areas = []
    for given in (customers, *draws):
        later = backtest_scores(company.periods(given), company.contract, MODEL)
        assert later is not None
        areas.append(evaluate(later.churned, later.scores, clusters=later.customers)["auc"])
    real, *shuffled = areas
    assert real.low > 0.5
    assert real.value > max(area.value for area in shuffled)
    assert sum(area.low > 0.5 for area in shuffled) <= 1


def test_a_public_shop_is_predicted_better_than_by_recency_alone_on_later_dates(public_data: Path) -> None:
    address = str(public_data / "online_retail" / "online_retail.parquet")
    contract = proposed(address)
    assert contract.label is not None
    assert contract.label.days == 90
    periods = periods_of(address, contract, 5)
    later = backtest_scores(periods, contract, MODEL)
    assert later is not None
    assert (later.tested_on[0] - later.trained_until).days >= 90
    silent = periods.rows.column("days_since_online_retail").to_numpy()[later.test]
    found = against(later, silent, draws=200)
    assert found["auc"][0] > 0.75, "0.738 without the counts and sums so far"
    assert found["difference"][1] > 0


def test_subscriptions_in_one_table_are_predicted_on_later_dates_as_well_as_by_their_age(public_data: Path) -> None:
    address = str(public_data / "mavenflix" / "subscriptions.csv")
    contract = proposed(address)
    periods = periods_of(address, contract, 4)
    later = backtest_scores(periods, contract, MODEL)
    assert later is not None
    assert (later.tested_on[0] - later.trained_until).days >= 30
    young = -periods.rows.column("days_since_subscriptions_started").to_numpy()[later.test].astype(float)
    found = against(later, young, draws=200)
    assert found["auc"][1] > 0.55
    assert found["auc"][0] >= found["rival"][0] - 0.02
