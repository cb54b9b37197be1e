"""The promotion gate: a signal on the test set, and in a history on the later dates too."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from churn_mlops.models.comparison import Comparison
from churn_mlops.models.evaluate import Estimate
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.promotion_gate import decide_promotion, has_signal

CUSTOMERS = 400
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
    churned = (np.arange(CUSTOMERS) % 4 == 0).astype(float)
    data = SimpleNamespace(test_y=churned, train_y=churned, test_groups=None)
    prepared = SimpleNamespace(data=data, leaks=SimpleNamespace(sure=()))
    return cast(Candidate, SimpleNamespace(prepared=prepared, backtest=backtest, scores=0.1 + 0.7 * churned))


@pytest.mark.parametrize(("lift", "live"), [(0.58, False), (0.99, False), (1.0, True), (2.5, True)])
def test_no_model_goes_live_whose_list_begins_with_those_who_stay_on_later_dates(lift: float, live: bool) -> None:
    found = decide_promotion(_candidate(backtest(0.51, SURE, lift)), None, None)
    assert (found.promote, found.signal) == (live, live)
    if not live:
        assert f"the top tenth of the scores holds {lift:.2f} times as many churners" in found.sentence


def test_an_order_that_chance_gives_too_is_no_signal() -> None:
    found = decide_promotion(_candidate(backtest(0.49, SURE, 2.0)), None, None)
    assert not found.promote
    assert "the order of the scores is no better than chance" in found.sentence


def test_a_person_may_force_a_model_whose_list_begins_with_those_who_stay() -> None:
    found = decide_promotion(_candidate(backtest(0.51, SURE, 0.58)), None, "known shift")
    assert found.promote
    assert found.sentence.startswith("promoted by force (known shift), although: no signal")
