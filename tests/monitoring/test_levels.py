"""Accuracy by level: a group stands out if the scores are wrong for it, and not by chance."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.monitoring import Measurement, ScoredRows, accuracy_by_level
from churn_mlops.monitoring.levels import Levels

ROWS = 12_000


def rows_and_levels(seed: int, off: float = 0.0, features: int = 1) -> tuple[ScoredRows, list[Levels]]:
    """Scores of customers whose log-odds are higher by ``off`` in the first of four levels of the first feature."""
    draw = np.random.default_rng(seed)
    places = [draw.integers(0, 4, ROWS).astype(np.int16) for _ in range(features)]
    log_odds = draw.normal(-2.5, 1, ROWS)
    churned = draw.random(ROWS) < 1 / (1 + np.exp(-log_odds - off * (places[0] == 0)))
    scores = 1 / (1 + np.exp(-log_odds))
    rows = ScoredRows(np.arange(ROWS), scores, churned.astype(np.float64), np.ones(ROWS))
    return rows, [Levels([f"f{n}={place}" for place in range(4)], of) for n, of in enumerate(places)]


def marked(found: list[Measurement]) -> dict[tuple[str, str], str]:
    return {(one.name, one.part): one.status for one in found if one.status != "good"}


def test_every_group_has_its_figures_with_intervals_and_counts() -> None:
    rows, levels = rows_and_levels(1, features=2)
    found = accuracy_by_level(rows, levels)
    assert [(one.name, one.part) for one in found] == [
        (name, f"f{n}={place}")
        for name in ("calibration_by_level", "auc_by_level")
        for n in range(2)
        for place in range(4)
    ]
    assert all((one.low or 0) < (one.value or 0) < (one.high or 0) for one in found)
    of_first = [one for one in found if one.name == "auc_by_level" and one.part.startswith("f0")]
    assert sum(one.denominator or 0 for one in of_first) == ROWS
    assert marked(found) == {}


@pytest.mark.parametrize(
    ("off", "status", "words"), [(1.2, "act", "too few offers"), (-0.6, "watch", "too many offers")]
)
def test_a_group_whose_scores_are_wrong_is_named(off: float, status: str, words: str) -> None:
    found = accuracy_by_level(*rows_and_levels(2, off, features=3))
    assert marked(found)["calibration_by_level", "f0=0"] == status
    (step,) = [one.next_step for one in found if (one.name, one.part) == ("calibration_by_level", "f0=0")]
    assert words in step


def test_a_group_whose_order_is_random_is_named() -> None:
    rows, levels = rows_and_levels(3, features=2)
    first = np.flatnonzero(levels[0].places == 0)
    rows.scores[first] = np.random.default_rng(0).permutation(rows.scores[first])
    assert marked(accuracy_by_level(rows, levels)) == {("auc_by_level", "f0=0"): "watch"}


def test_a_feature_that_explains_churn_is_not_marked_for_the_order_within_its_levels() -> None:
    draw = np.random.default_rng(6)
    level = draw.integers(0, 4, ROWS).astype(np.int16)
    scores = 1 / (1 + np.exp(3.5 - 1.0 * level - draw.normal(0, 0.3, ROWS)))
    churned = (draw.random(ROWS) < scores).astype(np.float64)
    found = accuracy_by_level(
        ScoredRows(np.arange(ROWS), scores, churned, np.ones(ROWS)), [Levels(["a", "b", "c", "d"], level)]
    )
    assert max(one.value or 0 for one in found if one.name == "auc_by_level") < 0.65
    assert marked(found) == {}


def test_a_model_that_is_off_for_all_alike_marks_no_group() -> None:
    rows, levels = rows_and_levels(4, features=3)
    doubled = ScoredRows(rows.customers, rows.scores / 2, rows.churned, rows.weights)
    found = accuracy_by_level(doubled, levels)
    assert min(one.value or 0 for one in found if one.name == "calibration_by_level") > 150
    assert marked(found) == {}


def test_groups_without_enough_labels_are_left_out() -> None:
    rows, levels = rows_and_levels(5)
    few = Levels(["few", "unknown"], np.where(np.arange(ROWS) < 50, 0, -1).astype(np.int16))
    assert {one.part for one in accuracy_by_level(rows, [few, *levels])} == {f"f0={place}" for place in range(4)}
    none = ScoredRows(rows.customers, rows.scores, np.full(ROWS, np.nan), rows.weights)
    assert accuracy_by_level(none, levels) == []


def test_a_group_whose_scores_are_all_zero_is_left_out() -> None:
    rows, levels = rows_and_levels(6)
    rows.scores[levels[0].places == 0] = 0
    assert {one.part for one in accuracy_by_level(rows, levels[:1])} == {"f0=1", "f0=2", "f0=3"}


def test_weeks_of_chance_mark_no_group() -> None:
    weeks = [marked(accuracy_by_level(*rows_and_levels(100 + week, features=3))) for week in range(20)]
    assert sum(map(len, weeks)) == 0
