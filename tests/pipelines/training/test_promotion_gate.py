"""Which models may go live by their backtest."""

from __future__ import annotations

from datetime import date
from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest

from churn_mlops.models.evaluate import Estimate
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.evaluate import Candidate
from churn_mlops.pipelines.training.promotion_gate import decide_promotion

CUSTOMERS = 400


def _backtest(auc_low: float, lift: float) -> Backtest:
    metrics = {
        "auc": Estimate(auc_low + 0.02, auc_low, auc_low + 0.04),
        "lift_top_decile": Estimate(lift, 0.7 * lift, 1.3 * lift),
    }
    return Backtest(date(2026, 1, 31), (date(2026, 4, 30),), 37, 900, 90, metrics)


def _candidate(backtest: Backtest) -> Candidate:
    """One that is plainly better than the base rate on the test set."""
    churned = (np.arange(CUSTOMERS) % 4 == 0).astype(float)
    data = SimpleNamespace(test_y=churned, train_y=churned, test_groups=None)
    prepared = SimpleNamespace(data=data, leaks=SimpleNamespace(sure=()))
    return cast(Candidate, SimpleNamespace(prepared=prepared, backtest=backtest, scores=0.1 + 0.7 * churned))


@pytest.mark.parametrize(("lift", "live"), [(0.58, False), (0.99, False), (1.0, True), (2.5, True)])
def test_no_model_goes_live_whose_list_begins_with_those_who_stay_on_later_dates(lift: float, live: bool) -> None:
    found = decide_promotion(_candidate(_backtest(0.51, lift)), None, None)
    assert (found.promote, found.signal) == (live, live)
    if not live:
        assert f"the top tenth of the scores holds {lift:.2f} times as many churners" in found.sentence


def test_an_order_that_chance_gives_too_is_no_signal() -> None:
    found = decide_promotion(_candidate(_backtest(0.49, 2.0)), None, None)
    assert not found.promote
    assert "the order of the scores is no better than chance" in found.sentence


def test_a_person_may_force_a_model_whose_list_begins_with_those_who_stay() -> None:
    found = decide_promotion(_candidate(_backtest(0.51, 0.58)), None, "known shift")
    assert found.promote
    assert found.sentence.startswith("promoted by force (known shift), although: no signal")
