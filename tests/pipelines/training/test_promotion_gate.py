"""The promotion gate: a signal on the test set, and in a history on the later dates too."""

from __future__ import annotations

from datetime import date

import pytest

from churn_mlops.models.comparison import Comparison
from churn_mlops.models.evaluate import Estimate
from churn_mlops.pipelines.training.backtest import Backtest
from churn_mlops.pipelines.training.promotion_gate import has_signal

SURE, UNSURE, WORSE = Comparison(0.02, 0.005, 1481), Comparison(0.02, 0.02, 287), Comparison(-0.01, 0.02, 287)


def backtest(low: float, against_base: Comparison) -> Backtest:
    metrics = {"auc": Estimate(low + 0.03, low, low + 0.06), "lift_top_decile": Estimate(1.8, 1.4, 2.2)}
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
