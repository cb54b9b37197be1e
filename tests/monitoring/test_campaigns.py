"""A campaign works only once its interval leaves 0, and its money follows from the arms."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.monitoring import Arms, CampaignCosts, roi, success
from churn_mlops.monitoring.campaigns import FEWEST

COSTS = CampaignCosts(contacts=900, taken=500, contact_cost=1, offer_cost=50, value=500)


@pytest.mark.parametrize(
    ("arms", "status"),
    [
        (Arms(900, 880, 100, 80), "good"),
        (Arms(900, 830, 100, 90), "watch"),
        (Arms(900, 700, 100, 98), "act"),
        (Arms(900, 880, FEWEST - 1, 10), "too_little"),
    ],
)
def test_success_is_said_once_the_interval_leaves_0(arms: Arms, status: str) -> None:
    treated, control, difference = success("3", arms)
    assert [one.name for one in (treated, control, difference)] == ["stayed_treated", "stayed_control", "success"]
    assert difference.status == status
    assert ("Not proven yet" in difference.next_step) == (status == "watch")
    assert (difference.value is None) == (status == "too_little")


def test_a_campaign_without_a_control_group_does_not_have_to_wait() -> None:
    arms = Arms(900, 880, 0, 0, has_control_group=False)
    for one in (*success("3", arms), roi("3", arms, COSTS)):
        assert one.status == "too_little"
        assert one.next_step.startswith("Not proven, and waiting does not help")


def test_money_is_the_value_of_kept_customers_less_all_costs() -> None:
    found = roi("3", Arms(900, 864, 100, 86), COSTS)
    # 96 % stayed against 86 %: 90 kept, each worth 500, for 900 contacts and 500 offers.
    assert found.numerator == pytest.approx(90 * 500)
    assert found.denominator == 900 + 25_000
    assert found.value == pytest.approx(90 * 500 - 25_900)
    assert not found.is_final


def test_money_that_may_be_lost_is_not_proven() -> None:
    found = roi("3", Arms(900, 864, 100, 91), COSTS)
    assert (found.low or 0) < 0 < (found.high or 0)
    assert found.status == "watch"
    assert found.next_step.startswith("Not proven yet")


@given(st.integers(FEWEST, 2000), st.integers(FEWEST, 300), st.data())
def test_money_is_never_proven_where_success_is_not(treated: int, control: int, data: st.DataObject) -> None:
    arms = Arms(treated, data.draw(st.integers(0, treated)), control, data.draw(st.integers(0, control)))
    works, money = success("1", arms)[2], roi("1", arms, COSTS)
    assert (money.low or 0) <= (money.value or 0) <= (money.high or 0)
    if works.status != "good":
        assert money.status != "good"
