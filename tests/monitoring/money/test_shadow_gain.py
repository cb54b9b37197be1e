"""The money of lists: what a score expects of them, and those of two models side by side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from churn_mlops.monitoring import (
    ListTerms,
    Measurement,
    PairedRows,
    ScoredRows,
    expected_money_lost,
    shadow_gain,
    share_of_list,
    week_gain,
)
from churn_mlops.monitoring.money.lists import DAYS_OF_A_MONTH
from churn_mlops.monitoring.weighted_metrics import Floats
from churn_mlops.retention import Economics, expected_gain

ECONOMICS = Economics(value=600.0, offer_cost=20.0, contact_cost=1.0, kept_share=0.3)
TERMS = ListTerms(ECONOMICS.gain_from_leaver, ECONOMICS.cost_of_stayer, None, 30, 4000)


def dates(seed: int, factor: float = 1.0, count: int = 4000) -> list[ScoredRows]:
    """Two dates; customers leave ``factor`` times as often as the scores say."""
    draw = np.random.default_rng(seed)
    found = []
    for _ in range(2):
        scores = draw.beta(1, 9, count)
        churned = (draw.random(count) < np.minimum(1, factor * scores)).astype(float)
        found.append(ScoredRows(np.arange(count), scores, churned, np.ones(count)))
    return found


def figures(found: list[Measurement]) -> dict[str, Measurement]:
    return {one.name: one for one in found}


def test_a_list_reaches_no_more_than_its_capacity() -> None:
    rows = dates(4)[0]
    best = np.sort(rows.scores)[-100:]
    gain = figures(expected_money_lost(None, None, rows, replace(TERMS, most=100), "2026-11-22"))["list_gain"]
    assert gain.value == pytest.approx(float(expected_gain(best, ECONOMICS).sum()) * DAYS_OF_A_MONTH / 30)
    assert not gain.is_final


def test_too_few_churners_are_expected_to_say_anything() -> None:
    few = replace(dates(8)[0], scores=np.full(4000, 1e-4))
    for rows in (few, dates(8)[0]):
        found = figures(expected_money_lost(None, None, rows, TERMS, "x"))
        assert found["money_lost"].status == "too_little"
    assert figures(expected_money_lost(None, None, few, TERMS, "x"))["list_gain"].value is None


def test_an_estimate_shows_customers_who_changed() -> None:
    then, rows = week_gain(dates(9)[0], TERMS, ""), dates(10)[0]
    same, calmer = (
        figures(expected_money_lost(then.value, then.low, one, TERMS, "x"))["money_lost"]
        for one in (rows, replace(rows, scores=rows.scores * 0.6))
    )
    assert (same.status, calmer.status) == ("good", "act")


@pytest.mark.parametrize(("more", "status"), [(1.08, "good"), (1.3, "act")])
def test_an_estimate_allows_for_months_that_differ_without_any_change(more: float, status: str) -> None:
    rows = dates(11, count=400_000)[0]
    gain = figures(expected_money_lost(None, None, rows, TERMS, "x"))["list_gain"].value or 0.0
    then = more * gain
    assert figures(expected_money_lost(then, 0.99 * then, rows, TERMS, "x"))["money_lost"].status == status


def pairs(seed: int, noise: float, *, share: float = 1.0, count: int = 4000, dates: int = 2) -> list[PairedRows]:
    """Dates of a model that knows the truth, live, and one in the shadow whose log-odds err by ``noise``."""
    draw, found = np.random.default_rng(seed), []
    for _ in range(dates):
        true = draw.beta(1, 9, count)
        left = draw.random(count) < true
        so_far = (left & (draw.random(count) < share)).astype(float)
        odds = np.log(true / (1 - true)) + noise * draw.standard_normal(count)
        found.append(
            PairedRows(ScoredRows(np.arange(count), true, so_far, np.ones(count)), 1 / (1 + np.exp(-odds)), share)
        )
    return found


def earned(churned: Floats, scores: Floats) -> float:
    """The gain of a month's list, by the labels of the customers who are worth an offer."""
    listed = expected_gain(scores, ECONOMICS) > 0
    return float(TERMS.gains(churned)[listed].sum()) * DAYS_OF_A_MONTH / 30


def test_the_same_scores_earn_the_same() -> None:
    found = shadow_gain("2", pairs(1, 0.0), TERMS)
    assert (found.value, found.low, found.high, found.status, found.part) == (0.0, 0.0, 0.0, "good", "2")


def test_the_gain_of_a_shadow_is_the_difference_of_both_lists() -> None:
    both = pairs(2, 0.7)
    live, shadow = (
        float(np.mean([earned(one.live.churned, scores) for one, scores in zip(both, of, strict=True)]))
        for of in ([one.live.scores for one in both], [one.shadow for one in both])
    )
    found = shadow_gain("2", both, TERMS)
    assert (found.numerator, found.denominator) == (pytest.approx(shadow), pytest.approx(live))
    assert found.value == pytest.approx(shadow - live)
    assert found.is_final


@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_the_worse_of_two_models_is_found_before_labels_are_final(share: float) -> None:
    found = shadow_gain("2", pairs(3, 2.0, share=share, count=20_000), TERMS)
    assert (found.high or 0.0) < 0
    turned = [
        PairedRows(replace(one.live, scores=one.shadow), one.live.scores, one.share)
        for one in pairs(3, 2.0, share=share, count=20_000)
    ]
    better = shadow_gain("2", turned, TERMS)
    assert (better.status, better.is_final) == ("watch", share == 1.0)
    assert (better.low or 0.0) > 0


def test_what_is_known_early_is_about_what_comes_true() -> None:
    early = [shadow_gain("2", pairs(seed, 2.0, share=0.3), TERMS).value or 0.0 for seed in range(40)]
    late = [-(shadow_gain("2", same_length(pairs(seed, 2.0)), TERMS).value or 0.0) for seed in range(40)]
    spread = float(np.std(early) / np.sqrt(len(early)))
    assert abs(float(np.mean(early)) + float(np.mean(late))) < 3 * spread


def same_length(both: list[PairedRows]) -> list[PairedRows]:
    """With final labels that are taken as early ones: both lists have the same length."""
    return [replace(one, share=1 - 1e-12) for one in both]


def test_two_models_that_are_equally_good_are_rarely_found_to_differ() -> None:
    """A model against another with as much noise: the interval holds 0 in about 95 of 100 cases."""
    held = 0
    for seed in range(60):
        both = pairs(100 + seed, 1.0)
        other = pairs(100 + seed, -1.0)  # the same customers, the noise turned round
        found = shadow_gain(
            "2",
            [
                PairedRows(replace(one.live, scores=one.shadow), two.shadow)
                for one, two in zip(both, other, strict=True)
            ],
            TERMS,
        )
        held += (found.low or 0.0) <= 0 <= (found.high or 0.0)
    assert 52 <= held <= 60


def test_too_few_churners_say_nothing() -> None:
    few = [replace(one, live=replace(one.live, churned=np.zeros(4000))) for one in pairs(4, 1.0)]
    found = shadow_gain("2", few, TERMS)
    assert (found.value, found.status) == (None, "too_little")
    assert shadow_gain("2", [], TERMS).value is None


def test_the_list_holds_the_customers_of_the_highest_scores_who_are_worth_an_offer() -> None:
    scores = np.array([0.9, 0.8, 0.7, 0.001])
    terms = ListTerms(churner=100.0, retained=10.0, most=2, horizon_days=30, customers=4)
    for chosen, share in (([0], 0.5), ([0, 1], 1.0), ([2, 3], 0.0)):
        assert share_of_list(scores, np.isin(np.arange(4), chosen), terms) == share
    assert share_of_list(np.full(4, 0.001), np.ones(4, dtype=bool), terms) == 0


def test_a_date_without_rows_counts_for_nothing() -> None:
    dates = pairs(1, 0.5, share=0.5)
    none = np.zeros(4000, dtype=bool)
    empty = PairedRows(dates[0].live.only(none), dates[0].shadow[none], 0.5)
    assert shadow_gain("1", [*dates, empty], TERMS) == shadow_gain("1", dates, TERMS)
    assert shadow_gain("1", [empty], TERMS).status == "too_little"
