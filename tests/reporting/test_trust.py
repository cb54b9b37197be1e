"""The sentences about the percentages."""

from __future__ import annotations

import pytest

from churn_mlops.pipelines.training.report import Recorded
from churn_mlops.reporting import sentences
from churn_mlops.reporting.report_data import BacktestScores, Figure


@pytest.mark.parametrize(
    ("slope", "said"),
    [
        ((1.0, 0.8, 1.2), "Nothing says that high scores are exaggerated, or timid."),
        ((1.16, 0.0, 4.99), "Too few left to say whether high scores are exaggerated, or timid."),
        ((0.4, 0.1, 0.7), "High scores are too high and low scores too low."),
        (None, "The calibration slope cannot be computed"),
    ],
)
def test_a_slope_is_described_as_its_interval_supports(
    found: Recorded, slope: tuple[float, float, float] | None, said: str
) -> None:
    metrics = {name: figure for name, figure in found.report.metrics.items() if name != "calibration_slope"}
    if slope is not None:
        metrics["calibration_slope"] = Figure(value=slope[0], low=slope[1], high=slope[2])
    assert said in sentences.slope(found.report.model_copy(update={"metrics": metrics}))


RIGHT, SPARSE = Figure(value=1.02, low=0.9, high=1.15), Figure(value=1.02, low=0.6, high=1.5)


@pytest.mark.parametrize("here", [RIGHT, SPARSE])
@pytest.mark.parametrize(
    ("later", "said"),
    [
        (
            Figure(value=1.74, low=1.3, high=2.2),
            "174 were observed for every 100 that a model of the past expected (130 to 220)",
        ),
        (Figure(value=0.5, low=0.4, high=0.6), "expect percentages that are too high."),
        (Figure(value=1.1, low=0.9, high=1.3), None),
        (None, None),
    ],
)
def test_percentages_that_were_wrong_on_later_dates_are_not_called_right(
    found: Recorded, here: Figure, later: Figure | None, said: str | None
) -> None:
    tested = BacktestScores(
        trained_until="2026-01-01",
        tested_on=("2026-06-01",),
        gap_days=30,
        customers=900,
        left=50,
        metrics={} if later is None else {"observed_over_expected": later},
    )
    metrics = found.report.metrics | {"observed_over_expected": here}
    sentence = sentences.calibration(found.report.model_copy(update={"metrics": metrics, "later": tested}))
    trusted = "Nothing speaks against" in sentence or "at face value" in sentence
    assert trusted == (said is None)
    assert said is None or said in sentence
