"""Metrics: the right figures, with intervals that hold what they promise, whatever the scores look like."""

from __future__ import annotations

import math

import numpy as np
import pytest
from sklearn.metrics import average_precision_score, log_loss, roc_auc_score

from churn_mlops.models.evaluate import METRICS, curves, evaluate
from churn_mlops.models.scorers.lookup_tables import Floats


def drawn(rows: int, seed: int, spread: float = 1.0) -> tuple[Floats, Floats]:
    """Labels drawn from their own scores, so that the scores are calibrated."""
    draw = np.random.default_rng(seed)
    scores = 1 / (1 + np.exp(-draw.normal(-1.5, spread, rows)))
    return (draw.random(rows) < scores).astype(np.float64), scores


def loss(y: Floats, scores: Floats) -> float:
    return float(-np.mean(y * np.log(scores) + (1 - y) * np.log1p(-scores)))


def test_the_known_metrics_are_those_of_scikit_learn() -> None:
    y, scores = drawn(500, 1)
    found = evaluate(y, scores)
    assert found["log_loss"].value == pytest.approx(log_loss(y, scores))
    assert found["auc"].value == pytest.approx(roc_auc_score(y, scores))
    assert found["pr_auc"].value == pytest.approx(average_precision_score(y, scores))


def test_the_others_are_as_computed_by_hand() -> None:
    y = np.array([1.0, 1, 0, 1, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0])
    scores = np.linspace(0.9, 0.05, 20)
    found = evaluate(y, scores)
    assert found["lift_top_decile"].value == pytest.approx(1.0 / 0.2)
    assert found["observed_over_expected"].value == pytest.approx(4 / scores.sum())
    assert found["observed_over_expected_top_decile"].value == pytest.approx(2 / scores[:2].sum())


def test_the_calibration_slope_is_that_by_which_log_odds_were_stretched() -> None:
    y, scores = drawn(20_000, 2)
    stretched = 1 / (1 + np.exp(-2 * np.log(scores / (1 - scores))))
    assert evaluate(y, scores)["calibration_slope"].value == pytest.approx(1, abs=0.05)
    assert evaluate(y, stretched)["calibration_slope"].value == pytest.approx(0.5, abs=0.03)


@pytest.mark.parametrize(
    "scores",
    [np.full(400, 0.2), np.linspace(0.1, 0.9, 400), np.r_[np.full(80, 0.9), np.linspace(0.01, 0.6, 320)]],
    ids=["all alike", "upside down", "a perfect order"],
)
def test_a_calibration_slope_that_the_scores_do_not_determine_is_left_out(scores: Floats) -> None:
    y = np.r_[np.ones(80), np.zeros(320)]
    assert set(METRICS) - set(evaluate(y, scores)) == {"calibration_slope"}


def test_a_slope_that_one_group_decides_is_left_out_not_given_an_interval_of_the_fit() -> None:
    draw = np.random.default_rng(6)  # scores that say nothing: without some groups the slope is at the fit's end
    y, scores = (draw.random(300) < 0.2).astype(float), draw.uniform(0.1, 0.3, 300)
    slopes = [evaluate(y, draw.permutation(scores)).get("calibration_slope") for _ in range(20)]
    assert any(slope is None for slope in slopes)
    assert all(slope is None or slope.high - slope.low > 0.1 for slope in slopes)


def test_no_lift_is_reported_higher_than_it_can_be() -> None:
    draw = np.random.default_rng(7)
    for churners in (30, 250):
        y = np.r_[np.ones(churners), np.zeros(1000 - churners)]
        found = evaluate(y, np.where(draw.random(1000) < 0.9, 0.1 + 0.8 * y, 0.5))["lift_top_decile"]
        assert found.value <= found.high <= min(10.0, 1000 / churners) + 1e-9


def test_intervals_hold_their_figure_and_keep_to_its_bounds() -> None:
    for seed in range(3):
        for name, estimate in evaluate(*drawn(80, seed)).items():
            assert 0 <= estimate.low <= estimate.value <= estimate.high, name
            assert estimate.high <= 1 or name not in {"auc", "pr_auc"}


def test_an_interval_covers_the_truth_about_as_often_as_it_says(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "churn_mlops.models.evaluate.METRICS", {"loss": loss, "ratio": METRICS["observed_over_expected"]}
    )
    truth = {"loss": loss(*drawn(400_000, 0)), "ratio": 1.0}
    covered = [
        [estimate.low <= truth[name] <= estimate.high for name, estimate in evaluate(*drawn(600, seed)).items()]
        for seed in range(1, 301)
    ]
    loss_covered, ratio_covered = np.mean(covered, axis=0)
    assert 0.92 <= loss_covered <= 0.98
    assert 0.92 <= ratio_covered <= 0.98


def test_two_churners_are_never_left_out_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("churn_mlops.models.evaluate.METRICS", {"lift": METRICS["lift_top_decile"]})
    y, scores = np.r_[1.0, 1.0, np.zeros(58)], np.linspace(0.9, 0.1, 60)
    for seed in range(100):  # a blind draw puts both into one of the 30 groups about once in 30
        assert math.isfinite(evaluate(y, scores, seed)["lift"].high)


def test_scores_that_are_all_alike_are_no_better_than_chance_in_any_row_order() -> None:
    y = np.r_[np.ones(20), np.zeros(80)]  # churners first: taking the first rows of a tie would find them all
    found = evaluate(y, np.full(100, 0.2))
    assert found["auc"].value == 0.5
    assert found["lift_top_decile"].value == pytest.approx(1)
    assert found["observed_over_expected_top_decile"].value == pytest.approx(1)


@pytest.mark.parametrize(
    ("y", "scores"),
    [
        ([1, 1, 0, 0], [0.9, 0.2, 0.3, 0.1]),
        ([1] * 5 + [0] * 5, np.linspace(0.1, 0.9, 10)),
        ([1] * 20 + [0] * 80, [1.0] * 20 + [0.0] * 80),
        ([1] * 20 + [0] * 80, [0.01] * 20 + [0.99] * 80),
        ([1, 0] * 50, [1e-9, 1 - 1e-9, 1e-9, 1e-9] * 25),
    ],
    ids=["four rows", "upside down", "perfect and certain", "all wrong", "certain and wrong"],
)
def test_odd_scores_still_give_figures(y: list[int], scores: list[float]) -> None:
    for name, estimate in evaluate(np.array(y, dtype=float), np.array(scores)).items():
        assert all(math.isfinite(value) for value in (estimate.value, estimate.low, estimate.high)), name


def test_the_same_labels_and_scores_give_the_same_intervals() -> None:
    assert evaluate(*drawn(200, 3)) == evaluate(*drawn(200, 3))


def test_curves_are_thin_end_where_they_should_and_count_every_customer() -> None:
    y, scores = drawn(5000, 4)
    found = curves(y, scores)
    roc = found["roc"]
    assert (roc["false_positive_rate"][0], roc["true_positive_rate"][-1]) == (0.0, 1.0)
    assert len(roc["false_positive_rate"]) == len(roc["true_positive_rate"]) <= 200
    assert len(found["precision_recall"]["recall"]) <= 200
    assert sum(part["customers"] for part in found["calibration"]) == 5000
    assert all(abs(part["observed"] - part["expected"]) < 0.1 for part in found["calibration"])
