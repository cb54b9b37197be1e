"""Money lost is what the lists of a month earn less than when the model was new."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.monitoring import (
    ListTerms,
    Measurement,
    PairedRows,
    ScoredRows,
    expected_money_lost,
    money_lost,
    shadow_gain,
    share_of_list,
)
from churn_mlops.monitoring.money import DAYS_OF_A_MONTH
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


def test_the_gain_is_that_of_the_customers_on_the_list_for_a_month() -> None:
    rows = dates(1)[0]
    listed = expected_gain(rows.scores, ECONOMICS) > 0
    left = float(rows.churned[listed].sum())
    stayed = float(listed.sum()) - left
    gain = left * ECONOMICS.gain_from_leaver - stayed * ECONOMICS.cost_of_stayer
    found = figures(money_lost([rows], [rows], TERMS))
    assert found["list_gain"].value == pytest.approx(gain * DAYS_OF_A_MONTH / 30)
    assert (found["money_lost"].value, found["money_lost"].status) == (0.0, "good")


@pytest.mark.parametrize(("factor", "status"), [(1.0, "good"), (0.6, "act"), (1.5, "good")])
def test_customers_who_leave_less_than_the_scores_say_cost_money(factor: float, status: str) -> None:
    found = figures(money_lost(dates(2), dates(3, factor), TERMS))["money_lost"]
    assert found.status == status
    assert (found.low or 0.0) < (found.value or 0.0) < (found.high or 0.0)
    assert found.value == pytest.approx((found.denominator or 0.0) - (found.numerator or 0.0))


def test_a_small_loss_beyond_chance_is_watched() -> None:
    many = 400_000
    found = figures(money_lost(dates(2, count=many), dates(3, 0.99, count=many), replace(TERMS, customers=many)))[
        "money_lost"
    ]
    assert found.status == "watch"
    assert (found.low or 0.0) > 0


def test_the_interval_holds_the_true_loss() -> None:
    truth = figures(money_lost(dates(0, count=500_000), dates(1, 0.8, count=500_000), TERMS))["money_lost"].value or 0.0
    found = [figures(money_lost(dates(10 + seed), dates(100 + seed, 0.8), TERMS))["money_lost"] for seed in range(60)]
    assert 52 <= sum((one.low or 0.0) <= truth <= (one.high or 0.0) for one in found) <= 60  # 95 % of 60 are 57


def test_a_list_reaches_no_more_than_its_capacity() -> None:
    rows = dates(4)[0]
    best = np.sort(rows.scores)[-100:]
    gain = figures(expected_money_lost(None, None, rows, replace(TERMS, most=100), "2026-11-22"))["list_gain"]
    assert gain.value == pytest.approx(float(expected_gain(best, ECONOMICS).sum()) * DAYS_OF_A_MONTH / 30)
    assert not gain.is_final


@settings(max_examples=30, deadline=None)
@given(st.integers(2, 9), st.integers(0, 50), st.none() | st.integers(0, 9000))
def test_a_company_that_grows_is_no_model_that_changed(times: int, seed: int, most: int | None) -> None:
    terms = replace(TERMS, most=most)
    before, after = dates(seed, count=1000), dates(seed + 1, 0.9, count=1000)
    larger = [
        ScoredRows(*(np.tile(getattr(rows, name), times) for name in ("customers", "scores", "churned", "weights")))
        for rows in after
    ]
    same, grown = (figures(money_lost(before, now, terms))["money_lost"] for now in (after, larger))
    assert (grown.value, grown.low) == (pytest.approx(same.value), pytest.approx(same.low))


def test_labels_that_are_not_final_are_left_out() -> None:
    before, after = dates(5), dates(6)
    unknown = [replace(rows, churned=np.where(np.arange(4000) < 1000, np.nan, rows.churned)) for rows in after]
    shorter = [
        ScoredRows(*(getattr(rows, name)[1000:] for name in ("customers", "scores", "churned", "weights")))
        for rows in after
    ]
    assert money_lost(before, unknown, TERMS) == money_lost(before, shorter, TERMS)


def test_a_young_model_and_few_churners_have_no_figure() -> None:
    assert {one.status for one in money_lost([], [], TERMS)} == {"too_little"}
    found = figures(money_lost(dates(7), [], TERMS))
    assert (found["list_gain_then"].value is None, found["money_lost"].value) == (False, None)
    few = [replace(rows, churned=np.zeros(4000)) for rows in dates(8)]
    assert figures(money_lost(dates(7), few, TERMS))["list_gain"].status == "too_little"
    assert figures(expected_money_lost(None, None, dates(8)[0], TERMS, "x"))["money_lost"].status == "too_little"


def test_an_estimate_shows_customers_who_changed() -> None:
    then = figures(money_lost(dates(9), dates(9), TERMS))["list_gain_then"]
    rows = dates(10)[0]
    same, calmer = (
        figures(expected_money_lost(then.value, then.low, one, TERMS, "x"))["money_lost"]
        for one in (rows, replace(rows, scores=rows.scores * 0.6))
    )
    assert (same.status, calmer.status) == ("good", "act")


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


def test_the_same_scores_earn_the_same() -> None:
    found = shadow_gain("2", pairs(1, 0.0), TERMS)
    assert (found.value, found.low, found.high, found.status, found.part) == (0.0, 0.0, 0.0, "good", "2")


def test_the_gain_of_a_shadow_is_the_difference_of_both_lists() -> None:
    both = pairs(2, 0.7)
    live = [one.live for one in both]
    shadow = [replace(one.live, scores=one.shadow) for one in both]
    lost = figures(money_lost(live, shadow, TERMS))["money_lost"]
    found = shadow_gain("2", both, TERMS)
    assert found.value == pytest.approx(-(lost.value or 0.0))
    assert (found.numerator, found.denominator) == (lost.numerator, lost.denominator)
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
