"""Drift by feature: nothing that chance explains, everything that moved, and in which words."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.monitoring import feature_drift
from churn_mlops.monitoring.drift import ACT, WATCH
from churn_mlops.monitoring.feature_drift import LEVEL, discoveries, stability_index

TENTHS = [0.1] * 10 + [0.0]
PLAN = {"levels": ["monthly", "yearly", "(other)", "(missing)"], "shares": [0.6, 0.4, 0.0, 0.0]}
TENURE = {"cuts": [1.5, 6.0, 1200.0], "shares": [0.25, 0.25, 0.25, 0.25, 0.0]}
COUNTS = st.lists(st.integers(0, 400), min_size=2, max_size=12).filter(lambda counts: sum(counts) >= 200)


def reference(features: int) -> dict[str, Any]:
    return {f"f{place}": {"cuts": list(range(9)), "shares": TENTHS} for place in range(features)}


def statuses(found: list[Any]) -> dict[str, str]:
    return {one.part: one.status for one in found}


@given(st.lists(COUNTS, min_size=1, max_size=5), st.sampled_from([200.0, 1e6, math.inf]))
def test_values_spread_as_in_training_have_no_drift(spreads: list[list[int]], rows: float) -> None:
    features = {
        f"f{place}": {
            "levels": [str(n) for n in range(len(counts))],
            "shares": (np.array(counts) / sum(counts)).tolist(),
        }
        for place, counts in enumerate(spreads)
    }
    found = feature_drift(features, {f"f{place}": counts for place, counts in enumerate(spreads)}, rows)
    assert [(one.value, one.status, one.denominator) for one in found] == [
        (0, "good", sum(counts)) for counts in spreads
    ]


@given(st.lists(st.lists(st.integers(0, 400), min_size=11, max_size=11), min_size=2, max_size=6), st.randoms())
def test_the_order_of_features_and_of_cells_is_of_no_matter(spreads: list[list[int]], draw: Any) -> None:
    spreads = [[*counts[:-1], 200] for counts in spreads]
    features, order = reference(len(spreads)), list(range(11))
    counts = dict(zip(features, spreads, strict=True))
    names = list(features)
    draw.shuffle(names)
    draw.shuffle(order)
    moved = {name: features[name] | {"shares": [TENTHS[place] for place in order]} for name in names}
    found = feature_drift(moved, {name: [counts[name][place] for place in order] for name in names}, 1000)
    expected = {one.part: one for one in feature_drift(features, counts, 1000)}
    assert statuses(found) == statuses(list(expected.values()))
    assert [one.value for one in found] == pytest.approx([expected[one.part].value for one in found])


@given(st.lists(st.tuples(st.floats(0.01, 1), st.floats(0.01, 1)), min_size=2, max_size=12))
def test_the_mixture_with_an_even_spread_never_raises_the_index(pairs: list[tuple[float, float]]) -> None:
    now, then = (np.array(shares) / sum(shares) for shares in zip(*pairs, strict=True))
    plain = float(((now - then) * np.log(now / then)).sum())
    assert -1e-12 <= stability_index(now, then) <= plain + 1e-12
    assert stability_index(now, then) == pytest.approx(stability_index(then, now))


def test_a_value_that_training_never_saw_asks_to_act_and_is_named() -> None:
    (found,) = feature_drift({"plan": PLAN}, {"plan": [360, 240, 0, 400]}, 5000)
    assert (found.name, found.part, found.denominator, found.status) == ("feature_drift", "plan", 1000, "act")
    assert found.next_step == (
        "Check the source first, and train again if the change is real: no value was 0 % in training and is 40 % now."
    )


@pytest.mark.parametrize(
    ("counts", "words"),
    [
        ([4, 32, 32, 32, 0], "up to 1.5 was 25 % in training and is 4.0 % now"),
        ([14, 58, 14, 14, 0], "1.5 to 6 was 25 % in training and is 58 % now"),
        ([32, 32, 35, 1, 0], "above 1,200 was 25 % in training and is 1.0 % now"),
    ],
)
def test_it_says_in_words_what_moved(counts: list[int], words: str) -> None:
    (found,) = feature_drift({"tenure": TENURE}, {"tenure": [100 * count for count in counts]}, math.inf)
    assert (found.status, found.next_step.partition(": ")[2]) == ("act", f"{words}.")


def test_a_drift_between_the_bounds_asks_to_look() -> None:
    (found,) = feature_drift({"plan": PLAN}, {"plan": [8000, 2000, 0, 0]}, math.inf)
    assert (found.status, found.value) == ("watch", pytest.approx(0.18, abs=0.02))
    assert found.next_step == "Look why it changed: monthly was 60 % in training and is 80 % now."


def test_with_few_customers_chance_may_move_an_index_above_the_bound() -> None:
    (found,) = feature_drift({"plan": PLAN}, {"plan": [160, 60, 0, 0]}, 5000)
    assert WATCH > (found.value or 0) > 0.05
    (found,) = feature_drift({"plan": PLAN}, {"plan": [170, 50, 0, 0]}, 5000)
    assert ((found.value or 0) >= WATCH, found.status) == (True, "good")
    assert found.next_step == "Nothing to do: with so few customers, chance may move it so far."


def test_a_large_company_does_not_hear_of_every_small_change() -> None:
    (found,) = feature_drift({"plan": PLAN}, {"plan": [6_500_000, 3_500_000, 0, 0]}, 10_000_000)
    assert (found.status, 0 < (found.value or 0) < WATCH) == ("good", True)


def test_a_feature_with_one_value_cannot_drift() -> None:
    features = {"plan": PLAN | {"shares": [1.0, 0.0, 0.0, 0.0]}}
    assert statuses(feature_drift(features, {"plan": [500, 0, 0, 0]}, 5000)) == {"plan": "good"}
    assert statuses(feature_drift(features, {"plan": [0, 500, 0, 0]}, 5000)) == {"plan": "act"}


def test_too_few_customers_and_counts_of_another_model_give_no_figure() -> None:
    (found,) = feature_drift({"plan": PLAN}, {"plan": [100, 99, 0, 0]}, 5000)
    assert (found.value, found.status, found.denominator) == (None, "too_little", 199)
    assert feature_drift({"plan": PLAN}, {}, 5000) == []
    assert feature_drift({"plan": PLAN}, {"plan": [500, 500]}, 5000) == []


def test_hypotheses_are_refuted_by_their_rank() -> None:
    # Three of three at 0.06 / (1 + 1/2 + 1/3) x rank / 3: 0.0109, 0.0218, 0.0327.
    assert discoveries([0.032, 0.001, 0.03], 0.06) == [True, True, True]
    assert discoveries([0.033, 0.001, 0.03], 0.06) == [False, True, False]
    assert discoveries([0.5, 0.6], 0.05) == [False, False]
    assert discoveries([], 0.05) == []


@pytest.mark.parametrize("customers", [200, 2000])
def test_a_year_of_chance_alone_raises_no_alarm(customers: int) -> None:
    draw = np.random.default_rng(7)
    features, shares = reference(40), np.array(TENTHS[:-1])
    for _ in range(365):
        today = draw.multinomial(customers, shares, size=40)
        then = draw.multinomial(3000, shares, size=40) / 3000
        of_day = {name: features[name] | {"shares": [*row, 0.0]} for name, row in zip(features, then, strict=True)}
        counts = {name: [*row, 0] for name, row in zip(features, today.tolist(), strict=True)}
        assert set(statuses(feature_drift(of_day, counts, 3000)).values()) == {"good"}


@pytest.mark.parametrize(("bound", "alarm"), [(WATCH, {"watch", "act"}), (ACT, {"act"})])
def test_a_drift_of_just_the_bound_raises_rarely_more_alarms_than_stated(bound: float, alarm: set[str]) -> None:
    draw = np.random.default_rng(11)
    low, high = 0.0, 0.9
    then = np.array(TENTHS[:-1])
    for _ in range(60):  # the share that moves from all cells to the first, so that the index is the bound
        share = (low + high) / 2
        now = (1 - share) * then + share * np.eye(10)[0]
        index = stability_index(np.append(now, 0), np.append(then, 0))
        low, high = (share, high) if index < bound else (low, share)
    features, days = {"f": reference(1)["f0"]}, 4000
    found = [
        feature_drift(features, {"f": [*row, 0]}, math.inf)[0] for row in draw.multinomial(1000, now, days).tolist()
    ]
    assert np.mean([one.status in alarm for one in found]) <= 10 * LEVEL
    assert np.mean([one.value or 0 for one in found]) == pytest.approx(bound, abs=0.03)


def test_a_drift_well_beyond_the_bounds_is_found() -> None:
    draw = np.random.default_rng(3)
    features = reference(40)
    now = np.array([0.3, *[0.7 / 9] * 9])
    counts = {name: [*draw.multinomial(5000, now if name in ("f3", "f7") else TENTHS[:-1]), 0] for name in features}
    found = statuses(feature_drift(features, counts, 5000))
    assert {name for name, status in found.items() if status != "good"} == {"f3", "f7"}


def test_a_level_adds_no_line_and_turns_no_text() -> None:
    plan = PLAN | {"levels": ["a\n[Act] \u202ey\x1b", "yearly", "(other)", "(missing)"]}
    (found,) = feature_drift({"plan": plan}, {"plan": [0, 900, 0, 0]}, 5000)
    assert found.next_step.endswith(r": a\n[Act] \u202ey\x1b was 60 % in training and is 0 % now.")
