"""The promotion gate: a signal on the test set, and in a history on the later dates too."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from types import SimpleNamespace
from typing import cast

import ibis
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pytest

from churn_mlops.data.engine.typed_table import read_snapshot
from churn_mlops.deployment import Deployment
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.comparison import Comparison
from churn_mlops.models.evaluate import Estimate
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.context import PromotionRules
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.promotion_gate import (
    SETTLED_DAYS,
    PromotionDecision,
    decide_promotion,
    has_signal,
)
from churn_mlops.pipelines.training.test_set import ComparedRows
from churn_mlops.retention.economics import Economics
from tests.companies.customers import CONTRACT, customers, left
from tests.companies.versions import version_of

LIVE_SINCE = datetime(2026, 11, 1, tzinfo=UTC)
NOW = LIVE_SINCE + timedelta(days=7)
RULES = PromotionRules(Economics(value=600.0, offer_cost=20.0, kept_share=0.3))
SURE, UNSURE, WORSE = Comparison(0.02, 0.005, 1481), Comparison(0.02, 0.02, 287), Comparison(-0.01, 0.02, 287)


def backtest(low: float, against_base: Comparison, lift: float = 1.8) -> Backtest:
    metrics = {
        "auc": Estimate(low + 0.03, low, low + 0.06),
        "lift_top_decile": Estimate(lift, 0.7 * lift, 1.3 * lift),
    }
    day = date(2026, 4, 30)
    return Backtest(date(2026, 1, 31), (day,), 90, 1481, 400, metrics, against_base)


@pytest.mark.parametrize(("on_test_set", "signal"), [(SURE, True), (UNSURE, False), (WORSE, False)])
def test_without_later_dates_the_test_set_decides(on_test_set: Comparison, signal: bool) -> None:
    assert has_signal(on_test_set, None) == signal


@pytest.mark.parametrize(
    ("on_test_set", "later", "signal"),
    [
        (SURE, backtest(0.65, SURE), True),
        (SURE, backtest(0.65, UNSURE), True),
        (UNSURE, backtest(0.65, SURE), True),
        (UNSURE, backtest(0.65, UNSURE), False),
        (WORSE, backtest(0.65, SURE), False),
        (SURE, backtest(0.48, SURE), False),
    ],
)
def test_many_rows_at_later_dates_count_for_few_in_the_test_set(
    on_test_set: Comparison, later: Backtest, signal: bool
) -> None:
    assert has_signal(on_test_set, later) == signal


def _candidate(backtest: Backtest) -> Candidate:
    """One that is plainly better than the base rate on the test set."""
    rows, churned = _customers(2000)
    data = SimpleNamespace(compared=ComparedRows(rows, churned), train_y=churned)
    prepared = SimpleNamespace(data=data, leaks=SimpleNamespace(sure=()))
    return cast(Candidate, SimpleNamespace(prepared=prepared, backtest=backtest, bundle=version_of(0)))


def _customers(count: int) -> tuple[pa.Table, npt.NDArray[np.float64]]:
    """Customers as models take them, and whether they left."""
    frame = customers(count, seed=5)
    return read_snapshot(ibis.memtable(pa.Table.from_pandas(frame)), CONTRACT), left(frame, seed=5).astype(float)


@pytest.mark.parametrize(("lift", "live"), [(0.58, False), (0.99, False), (1.0, True), (2.5, True)])
def test_no_model_goes_live_whose_list_begins_with_those_who_stay_on_later_dates(lift: float, live: bool) -> None:
    found = decide_promotion(_candidate(backtest(0.51, SURE, lift)), None, RULES, NOW)
    assert (found.promote, found.signal) == (live, live)
    if not live:
        assert f"the top tenth of the scores holds {lift:.2f} times as many churners" in found.sentence


def test_an_order_that_chance_gives_too_is_no_signal() -> None:
    found = decide_promotion(_candidate(backtest(0.49, SURE, 2.0)), None, RULES, NOW)
    assert not found.promote
    assert "the order of the scores is no better than chance" in found.sentence


def test_a_person_may_force_a_model_whose_list_begins_with_those_who_stay() -> None:
    found = decide_promotion(_candidate(backtest(0.51, SURE, 0.58)), None, RULES, NOW, "known shift")
    assert found.promote
    assert found.sentence.startswith("promoted by force (known shift), although: no signal")


def decided(
    number: int,
    rules: PromotionRules = RULES,
    *,
    candidate_errs: int = 0,
    is_history: bool = True,
    live_days: int = 7,
    dates: int = 1,
) -> PromotionDecision:
    """About the fitted model, against a champion that errs by ``number`` hundredths in its log-odds."""
    rows, churned = _customers(6000)
    as_of = np.datetime64("2026-07-01") + 30 * (np.arange(6000) % dates)
    compared = ComparedRows(rows, churned, np.arange(6000) // dates, as_of)
    data = SimpleNamespace(compared=compared, train_y=churned, test=rows, mark="a" * 16)
    history = SimpleNamespace(label=SimpleNamespace(days=30)) if is_history else None
    prepared = SimpleNamespace(data=data, leaks=SimpleNamespace(sure=()), customers=20_000, history=history)
    candidate = SimpleNamespace(prepared=prepared, backtest=None, bundle=version_of(candidate_errs))
    deployment = Deployment("1", version_of(number).sha256, "logistic_regression", LIVE_SINCE, "first")
    champion = LiveModel(deployment, version_of(number), {"set_aside": "a" * 16})
    return decide_promotion(cast(Candidate, candidate), champion, rules, LIVE_SINCE + timedelta(days=live_days))


def test_a_better_model_goes_live_and_the_decision_says_what_its_lists_earn() -> None:
    found = decided(300)
    assert (found.promote, found.on_trial) == (True, False)
    money = r"its lists earn [\d,]+ USD a month more \([\d,]+ more to [\d,]+ more\)"
    assert re.search(rf"beats champion 1 beyond noise .*; {money}$", found.sentence)


def test_a_better_model_that_is_not_worth_the_change_does_not_go_live() -> None:
    found = decided(300, replace(RULES, least_gain=10_000_000))
    assert (found.promote, found.signal) == (False, True)
    assert found.sentence.endswith("and a change is worth it from 10,000,000 USD")


def test_a_better_model_whose_lists_earn_less_for_sure_does_not_go_live() -> None:
    """Nearly everyone is worth a contact: the better model says too little of some, and leaves them out."""
    rules = replace(RULES, economics=Economics(value=600.0, offer_cost=0.0, contact_cost=30.0, kept_share=1.0))
    found = decided(300, rules, candidate_errs=-60)
    assert found.against_champion is not None
    assert found.against_champion.beyond_noise
    assert not found.promote
    assert re.search(
        r", but its lists earn [\d,]+ USD a month less \([\d,]+ less to [\d,]+ less\), beyond noise$", found.sentence
    )


def test_with_a_trial_a_better_model_first_scores_beside_the_champion() -> None:
    found = decided(300, replace(RULES, shadow_days=7))
    assert (found.promote, found.on_trial, found.signal) == (False, True, True)
    assert found.sentence.endswith("; on trial for 7 days, in which both score")


def test_a_flat_table_has_no_trial_since_it_does_not_say_when_customers_leave() -> None:
    found = decided(300, replace(RULES, shadow_days=7), is_history=False)
    assert (found.promote, found.on_trial) == (True, False)


def test_a_model_that_is_no_better_is_neither_live_nor_on_trial() -> None:
    found = decided(-1, replace(RULES, shadow_days=7))
    assert (found.promote, found.on_trial) == (False, False)
    assert found.sentence.startswith("does not beat champion 1 beyond noise")


def test_a_new_champion_makes_way_only_beyond_noise_and_a_settled_one_to_the_better_version() -> None:
    young, settled = (decided(0, candidate_errs=-15, live_days=days) for days in (SETTLED_DAYS - 1, SETTLED_DAYS))
    assert young.against_champion == settled.against_champion
    assert young.against_champion is not None
    assert young.against_champion.is_better
    assert not young.against_champion.beyond_noise
    assert (young.promote, settled.promote) == (False, True)
    assert young.sentence.startswith("does not beat champion 1 beyond noise on 6,000 customers (")
    assert settled.sentence.startswith("is better than champion 1, live for 28 days, on 6,000 customers (")


@pytest.mark.parametrize("errs", [5, 50])
def test_a_settled_champion_does_not_make_way_to_a_worse_version(errs: int) -> None:
    found = decided(0, candidate_errs=errs, live_days=400)
    assert not found.promote
    assert found.sentence.startswith("is no better than champion 1, live for 400 days, ")


def test_a_customer_with_several_dates_counts_once() -> None:
    one, three = decided(300), decided(300, dates=3)
    assert " on 6,000 customers (" in one.sentence
    assert " on 2,000 customers at 3 dates (" in three.sentence


def test_a_settled_champion_stays_where_the_better_scores_earn_less_for_sure() -> None:
    found = decided(-30, live_days=SETTLED_DAYS)
    assert found.against_champion is not None
    assert found.against_champion.is_better
    assert not found.promote
    assert re.search(
        r"^is better than champion 1, .*, but its lists earn [\d,]+ USD a month less .*, beyond noise$", found.sentence
    )
