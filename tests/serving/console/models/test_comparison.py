"""Two versions side by side, as plain values."""

from __future__ import annotations

from typing import Any
from zoneinfo import ZoneInfo

import pytest

from churn_mlops.deployment import ModelVersion
from churn_mlops.serving.console.frame.formats import LOCALES, Formats
from churn_mlops.serving.console.frame.texts import Texts
from churn_mlops.serving.console.models.comparison import Comparison, compare
from churn_mlops.serving.console.models.models_view import version_view
from tests.companies.registered import NOW, made

FORMATS = Formats(LOCALES["en-US"], "USD", ZoneInfo("UTC"), Texts())


def compared(first: dict[str, Any], second: dict[str, Any]) -> Comparison:
    versions = [ModelVersion(str(place), "a" * 64, "boosting", NOW, how) for place, how in enumerate((first, second))]
    one, other = (version_view(version, ()) for version in versions)
    return compare(one, other, FORMATS)


def figures(name: str, *ends: tuple[float, float, float]) -> Comparison:
    first, second = ({"metrics": {name: dict(zip(("low", "value", "high"), one, strict=True))}} for one in ends)
    return compared(first, second)


@pytest.mark.parametrize(
    ("name", "first", "second", "says"),
    [
        ("auc", (0.70, 0.72, 0.74), (0.75, 0.77, 0.79), "better"),
        ("auc", (0.75, 0.77, 0.79), (0.70, 0.72, 0.74), "worse"),
        ("auc", (0.70, 0.72, 0.75), (0.75, 0.77, 0.79), "overlap"),
        ("log_loss", (0.20, 0.21, 0.22), (0.10, 0.11, 0.12), "better"),
        ("lift_top_decile", (2.0, 2.1, 2.2), (1.0, 1.1, 1.2), "worse"),
        ("observed_over_expected", (1.5, 1.6, 1.7), (0.9, 0.95, 1.0), "better"),
        ("observed_over_expected", (0.9, 0.95, 1.0), (0.4, 0.5, 0.6), "worse"),
    ],
)
def test_a_difference_says_what_its_intervals_allow(name: str, first: Any, second: Any, says: str) -> None:
    (row,) = [one for one in figures(name, first, second).rows if one.first]
    assert row.says == says
    assert row.difference == pytest.approx(second[1] - first[1])


def test_features_that_one_version_has_alone_are_named() -> None:
    assert compared({"features": ["age", "plan"]}, {"features": ["plan", "age", "calls"]}).features == [
        (2, []),
        (3, ["calls"]),
    ]
    assert compared({}, {"features": ["plan"]}).features == [(None, []), (1, [])]


def test_a_figure_that_one_version_lacks_has_no_difference() -> None:
    found = compared({"metrics": {"auc": 0.8}}, {})
    assert (found.rows[0].first is not None, found.rows[0].second, found.rows[0].difference) == (True, None, None)
    both = compared({"metrics": {"auc": 0.8}}, {"metrics": {"auc": 0.7}})
    assert (both.rows[0].difference, both.rows[0].says) == (pytest.approx(-0.1), None)


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        ({"set_aside": "k", "data_fingerprint": "f"}, {"set_aside": "k", "data_fingerprint": "f"}, "same"),
        ({"set_aside": "k", "data_fingerprint": "f"}, {"set_aside": "k", "data_fingerprint": "g"}, "other_time"),
        ({"set_aside": "k"}, {"set_aside": "l"}, "other_customers"),
        ({}, {"set_aside": "l"}, "unknown"),
    ],
)
def test_whether_the_test_sets_are_the_same_is_said(first: Any, second: Any, said: str) -> None:
    assert compared(first, second).test_sets == said


def test_both_versions_are_in_each_picture() -> None:
    found = compared(made(1), made(2))
    assert [chart.name for chart in found.charts] == ["calibration", "gain", "lift"]
    assert [[curve.name for curve in chart.curves] for chart in found.charts] == [["Version 0", "Version 1"]] * 3
    assert list(found.without) == []


def test_the_lift_is_the_gain_over_the_share_and_leaves_out_short_lists() -> None:
    gain, lift = compared(made(1), made(1)).charts[1:]
    assert len(gain.curves[0].line.split()) == 4
    assert len(lift.curves[0].line.split()) == 3  # not that of 1 % of the customers
    assert [tick.text[:-2] for tick in lift.y_ticks] == ["0", "1", "2", "3", "4", "5"]


@pytest.mark.parametrize(
    "curves",
    [
        None,
        3,
        [],
        {},
        {"calibration": 3, "gain": None},
        {"calibration": [3], "gain": [[]]},
        {"calibration": [{"expected": 0.1}], "gain": [{"share": "<b>", "captured": 1, "low": 1, "high": 1}]},
        {"calibration": [{"expected": float("nan"), "observed": 0.1, "low": 0, "high": 1}], "gain": []},
    ],
)
def test_curves_that_cannot_be_read_are_none(curves: Any) -> None:
    found = compared(made(1), made(2) | {"curves": curves})
    assert [one.version for one in found.without] == ["1"]
    assert [[curve.name for curve in chart.curves] for chart in found.charts] == [["Version 0"]] * 3
