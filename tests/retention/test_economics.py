"""Relations that hold for any economics, and the figures of the running example."""

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from churn_mlops.errors import DataError
from churn_mlops.retention import Economics, action, break_even_probability, expected_gain

DEFAULTS = Economics()
money = st.floats(0, 1e6)
shares = st.floats(0, 1)
probabilities = st.floats(0, 1)
anything = st.builds(
    Economics,
    value=money,
    offer_cost=money,
    contact_cost=money,
    kept_share=st.floats(0, 0.5),
    taken_and_left_share=st.floats(0, 0.5),
    taken_by_stayers_share=shares,
)
worth_it = st.builds(
    Economics,
    value=st.floats(1000, 1e6),
    offer_cost=st.floats(0, 100),
    contact_cost=st.floats(0, 10),
    kept_share=st.floats(0.2, 0.5),
    taken_and_left_share=st.floats(0, 0.2),
    taken_by_stayers_share=shares,
)


def test_running_example_gains_at_high_risk_and_loses_at_low_risk():
    # By hand: 0.78 (0.2 x 450 - 1) - 0.22 x 51 = 58.20; 0.05 x 89 - 0.95 x 51 = -44.
    assert expected_gain(0.78, DEFAULTS) == pytest.approx(58.20)
    assert expected_gain(0.05, DEFAULTS) == pytest.approx(-44.0)
    assert break_even_probability(DEFAULTS) == pytest.approx(51 / 140)


def test_agrees_with_the_formula_term_by_term():
    economics = Economics(400, 40, 2, 0.3, 0.1, 0.6)
    p = 0.37
    by_hand = p * (0.3 * (400 - 40) - 0.1 * 40 - 2) - (1 - p) * (0.6 * 40 + 2)
    assert expected_gain(p, economics) == pytest.approx(by_hand)


@given(anything, st.lists(probabilities, min_size=1, max_size=20))
def test_one_by_one_equals_the_array(economics, scores):
    assert expected_gain(np.array(scores), economics).tolist() == [expected_gain(p, economics) for p in scores]


@given(anything, probabilities, probabilities)
def test_gain_rises_with_the_score_if_a_churner_is_worth_more_than_a_retained_customer_costs(economics, p, q):
    slope = economics.gain_from_leaver + economics.cost_of_stayer
    low, high = sorted([p, q])
    rounding = 1e-12 * (abs(economics.gain_from_leaver) + economics.cost_of_stayer)
    if slope >= 0:
        assert expected_gain(low, economics) <= expected_gain(high, economics) + rounding
    else:
        assert expected_gain(low, economics) >= expected_gain(high, economics) - rounding


@given(anything, probabilities)
def test_offer_is_made_exactly_above_the_break_even_probability(economics, p):
    threshold = break_even_probability(economics)
    if threshold is None:
        assert action(p, economics) == "leave_alone"
    else:
        assume(abs(p - threshold) > 1e-9 * max(threshold, 1e-9))
        assert action(p, economics) == ("offer" if p > threshold else "leave_alone")


@given(worth_it, st.lists(probabilities, min_size=2, max_size=50, unique=True))
def test_contact_order_is_score_order_when_all_are_worth_the_same(economics, scores):
    ranked = np.sort(np.array(scores))[::-1]
    gains = expected_gain(ranked, economics)
    rounding = 1e-12 * (economics.gain_from_leaver + economics.cost_of_stayer)
    assert np.all(np.diff(gains) <= rounding)


@given(anything, probabilities, money)
def test_a_customer_worth_more_is_never_less_worth_contacting(economics, p, more):
    richer = Economics(
        economics.value + more,
        economics.offer_cost,
        economics.contact_cost,
        economics.kept_share,
        economics.taken_and_left_share,
        economics.taken_by_stayers_share,
    )
    rounding = 1e-9 * (1 + abs(expected_gain(p, richer)))
    assert expected_gain(p, richer) >= expected_gain(p, economics) - rounding


def test_an_offer_that_costs_more_than_the_customer_is_worth_is_never_made():
    pointless = Economics(value=40, offer_cost=50)
    assert break_even_probability(pointless) is None
    assert action(1.0, pointless) == "leave_alone"


def test_at_break_even_no_customer_is_contacted():
    free = Economics(offer_cost=0, contact_cost=0)
    assert break_even_probability(free) == 0
    assert action(0.0, free) == "leave_alone"
    assert action(1e-6, free) == "offer"


@pytest.mark.parametrize(
    ("settings", "names"),
    [
        ({"value": -1}, ["value"]),
        ({"offer_cost": float("nan")}, ["offer_cost"]),
        ({"contact_cost": float("inf")}, ["contact_cost"]),
        ({"kept_share": 1.01}, ["kept_share"]),
        ({"taken_by_stayers_share": -0.01}, ["taken_by_stayers_share"]),
        ({"value": True}, ["value"]),
        ({"value": -1, "kept_share": 2}, ["value", "kept_share"]),
        ({"kept_share": 0.6, "taken_and_left_share": 0.5}, ["taken_and_left_share"]),
    ],
)
def test_settings_out_of_range_are_refused_by_name(settings, names):
    with pytest.raises(DataError, match="out of range") as refused:
        Economics(**settings)
    assert [name for name, _ in refused.value.problems] == names


def test_shares_may_reach_their_bounds():
    Economics(kept_share=1.0, taken_by_stayers_share=0.0)
    Economics(kept_share=0.6, taken_and_left_share=0.4)


@pytest.mark.parametrize("p", [-0.001, 1.001, float("nan"), np.array([0.5, np.nan]), 2])
def test_a_probability_outside_0_to_1_is_refused(p):
    with pytest.raises(ValueError, match="between 0 and 1"):
        expected_gain(p, DEFAULTS)
