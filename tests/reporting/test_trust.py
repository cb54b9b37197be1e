"""The sentences about the percentages."""

from __future__ import annotations

import pytest

from churn_mlops.pipelines.training.report import Recorded
from churn_mlops.reporting import sentences
from churn_mlops.reporting.report_data import Figure


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
