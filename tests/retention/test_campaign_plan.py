"""The plan of a list: arms, capacity, overlapping campaigns, households, and why a customer gets no offer."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.retention import DecisionRule, Economics
from churn_mlops.retention.arms import arm_of
from churn_mlops.retention.campaign_plan import Candidates, Plan, plan_list
from churn_mlops.retention.decision import WHY_NOT, OfferDecision, offer_now, ruled_out

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
KEY = "our key"


@dataclass(frozen=True)
class Terms:
    id: int
    name: str
    offer_cost: float = 50.0
    min_score: float = 0.0
    risk_band: str | None = None
    only_worth: bool = True
    capacity: int | None = None
    control_share: float = 0.2
    explore_share: float = 0.0


@dataclass(frozen=True)
class Standing:
    campaign_id: int | None = None
    arm: str | None = None
    campaign_runs: bool = True
    blocked: bool = False
    contacted_at: tuple[datetime, ...] = ()
    offered_at: datetime | None = None
    dismissed_at: datetime | None = None


RULE = DecisionRule(Economics())
SPRING, SUMMER = Terms(1, "Spring"), Terms(2, "Summer")


def listed(scores: list[float], *, units: list[str] | None = None, failed: tuple[int, ...] = ()) -> Candidates:
    names = [f"C{place:04d}" for place in range(len(scores))]
    return Candidates(
        names,
        np.array(scores, dtype=np.float64),
        np.ones(len(scores), dtype=bool),
        units or names,
        np.isin(np.arange(len(scores)), failed),
    )


def plan(candidates: Candidates, standings=None, campaigns=(SPRING,), rule: DecisionRule = RULE) -> Plan:
    return plan_list(candidates, standings or {}, campaigns, rule, KEY, NOW)


def falling(count: int, best: float = 0.9, worst: float = 0.5) -> list[float]:
    return np.linspace(best, worst, count).tolist()


def after(standings: dict[str, Standing], made: Plan) -> dict[str, Standing]:
    """The standings of the next day: every arm is recorded."""
    new = {one.customer: Standing(one.campaign_id, one.arm) for one in made.new}
    return new | standings


def test_without_a_campaign_customers_worth_an_offer_are_listed_within_the_capacity() -> None:
    scores = [*falling(5), 0.01]
    made = plan(listed(scores), campaigns=())
    assert made.offer.tolist() == [True] * 5 + [False]
    assert made.new == []
    cut = plan(listed(scores), {"C0001": Standing(blocked=True)}, (), replace(RULE, capacity=2))
    assert cut.offer.tolist() == [True, False, True, False, False, False]
    assert cut.why_not == [None, "do_not_contact", None, "beyond_capacity", "beyond_capacity", None]


def test_every_treated_customer_gets_an_offer_and_the_control_group_gets_none() -> None:
    made = plan(listed(falling(500)))
    arms = {one.customer: one.arm for one in made.new}
    assert len(arms) == 500
    for place, offer in enumerate(made.offer):
        name = f"C{place:04d}"
        drawn = arm_of(KEY, "Spring", name, control_share=0.2, explore_share=0.0)
        assert arms[name] == drawn.arm
        assert offer == (drawn.arm == "treated")
        assert made.why_not[place] == (None if offer else "control_group")


def test_the_capacity_counts_offers_and_no_arm_is_drawn_below_the_cut() -> None:
    made = plan(listed(falling(500)), campaigns=(replace(SPRING, capacity=50),))
    assert made.offer.sum() == 50
    last = int(np.flatnonzero(made.offer)[-1])
    assert {one.customer for one in made.new} == {f"C{place:04d}" for place in range(last + 1)}
    assert set(made.why_not[last + 1 :]) == {"beyond_capacity"}
    assert plan(listed(falling(9)), campaigns=(replace(SPRING, capacity=0),)).new == []


def test_the_same_day_again_gives_the_same_list_and_draws_no_new_arm() -> None:
    campaigns = (replace(SPRING, capacity=40, explore_share=0.1), SUMMER)
    candidates = listed([*falling(300), *falling(300, 0.1, 0.0)])
    first = plan(candidates, campaigns=campaigns)
    again = plan(candidates, after({}, first), campaigns)
    assert again.new == []
    assert again.offer.tolist() == first.offer.tolist()
    assert again.why_not == first.why_not


def test_the_campaign_that_started_first_takes_a_customer_and_the_next_one_takes_the_rest() -> None:
    first = replace(SPRING, capacity=10)
    made = plan(listed(falling(200)), campaigns=(first, SUMMER))
    by_campaign = {one.customer: one.campaign_id for one in made.new}
    cut = max(name for name, campaign in by_campaign.items() if campaign == 1)
    assert all(campaign == (1 if name <= cut else 2) for name, campaign in by_campaign.items())
    assert sum(made.offer[place] for place, campaign in enumerate(made.campaign_id) if campaign == 1) == 10
    moved = plan(listed(falling(200)), after({}, made), (SUMMER, first))
    assert moved.new == []
    assert moved.campaign_id == made.campaign_id


def test_a_control_customer_of_a_campaign_is_in_no_other_one_also_after_it_ended() -> None:
    made = plan(listed(falling(5)), {"C0000": Standing(7, "control"), "C0001": Standing(7, "treated", False)})
    assert made.offer.tolist()[:2] == [False, False]
    assert made.why_not[:2] == ["control_group", "followed"]
    assert {one.customer for one in made.new} == {"C0002", "C0003", "C0004"}


def test_who_is_in_a_campaign_is_what_its_filter_says() -> None:
    scores = [0.9, 0.6, 0.4, 0.25, 0.01]
    for terms, taken in (
        (replace(SPRING, min_score=0.5), 2),
        (replace(SPRING, risk_band="medium", only_worth=False), 4),
        (replace(SPRING, risk_band="high"), 2),
        (replace(SPRING, only_worth=False), 5),
        (replace(SPRING, offer_cost=10_000.0), 0),
    ):
        made = plan(listed(scores), campaigns=(terms,))
        assert [one.customer for one in made.new] == [f"C{place:04d}" for place in range(taken)], terms
    narrow = plan(listed(scores), campaigns=(replace(SPRING, min_score=0.95),))
    assert narrow.why_not[:2] == ["in_no_campaign"] * 2
    assert narrow.why_not[-1] is None  # the score alone says it


def test_explorers_are_drawn_whatever_their_score_half_of_them_treated_and_take_a_tenth_of_the_capacity() -> None:
    terms = replace(SPRING, explore_share=0.2, capacity=100)
    candidates = listed([*falling(500), *falling(2000, 0.05, 0.0)])
    made = plan(candidates, campaigns=(terms,))
    low = [one for one in made.new if one.customer >= "C0500"]
    assert low
    assert all(one.explored for one in low)
    assert made.offer.sum() == 100
    explored = {one.customer for one in made.new if one.explored and one.arm == "treated"}
    first = sorted(
        (draw.place, name)
        for name in candidates.customers
        if (draw := arm_of(KEY, "Spring", name, control_share=0.2, explore_share=0.2)).explores
        and draw.arm == "treated"
    )[:10]
    assert {name for _, name in first} <= explored
    assert sum(made.offer[500:]) <= 10
    everyone = plan(candidates, campaigns=(replace(terms, capacity=None),))
    arms = [one.arm for one in everyone.new if one.explored]
    assert 0.4 < arms.count("control") / len(arms) < 0.6


def test_a_household_keeps_one_arm() -> None:
    candidates = listed(falling(400), units=[f"H{place // 2}" for place in range(400)])
    made = plan(candidates, campaigns=(SPRING,))
    arms = {one.customer: one.arm for one in made.new}
    assert all(arms[f"C{place:04d}"] == arms[f"C{place + 1:04d}"] for place in range(0, 400, 2))
    joined = plan(candidates, {"C0000": Standing(1, "control")}, (SUMMER, SPRING))
    assert {one.customer: (one.campaign_id, one.arm) for one in joined.new}["C0001"] == (1, "control")


@pytest.mark.parametrize(
    ("standing", "failed", "why_not"),
    [
        (Standing(blocked=True), False, "do_not_contact"),
        (None, True, "payment_failed"),
        (Standing(offered_at=NOW - timedelta(days=300)), False, "offered_recently"),
        (Standing(contacted_at=tuple(NOW - timedelta(days=day) for day in (1, 2, 3))), False, "contacted_recently"),
        (Standing(dismissed_at=NOW - timedelta(days=3)), False, "dismissed_recently"),
    ],
)
def test_a_customer_who_is_ruled_out_gets_neither_an_arm_nor_an_offer(standing, failed: bool, why_not: str) -> None:
    standings = {} if standing is None else {"C0000": standing}
    for campaigns in ((SPRING,), ()):
        made = plan(listed([0.9, 0.8], failed=(0,) if failed else ()), standings, campaigns)
        assert (made.why_not[0], made.offer[0], made.campaign_id[0]) == (why_not, False, None)
        assert "C0000" not in {one.customer for one in made.new}
    assert ruled_out("C0000", standing, RULE, NOW, payment_failed=failed) == why_not
    assert why_not in WHY_NOT


def test_staff_and_test_accounts_are_never_listed() -> None:
    rule = replace(RULE, never_contacted=frozenset({"C0000"}))
    assert plan(listed([0.9, 0.8]), rule=rule).why_not[0] == "never_contacted"


def test_customers_who_have_left_are_neither_drawn_nor_listed() -> None:
    candidates = replace(listed([0.9, 0.8]), active=np.array([True, False]))
    for campaigns in ((SPRING,), ()):
        made = plan(candidates, campaigns=campaigns)
        assert not made.offer[1]
        assert "C0001" not in {one.customer for one in made.new}


def test_between_two_lists_the_newest_list_and_what_happened_since_decide() -> None:
    on, off = OfferDecision(True), OfferDecision(False)
    assert offer_now(None, on, True, RULE) == on
    assert offer_now("do_not_contact", on, True, RULE) == OfferDecision(False, "do_not_contact")
    assert offer_now(None, off, False, RULE) == OfferDecision(False, "not_worth_it")
    assert offer_now(None, off, True, RULE) == OfferDecision(False, "not_listed")
    assert offer_now(None, OfferDecision(False, "in_no_campaign"), True, RULE).why_not == "in_no_campaign"
    assert offer_now(None, None, True, RULE) == on
    harmful = replace(RULE, economics=Economics(kept_share=0.0))
    assert offer_now(None, None, False, harmful) == OfferDecision(False, "offer_does_harm")


terms = st.builds(
    Terms,
    id=st.just(0),
    name=st.sampled_from(["Spring", "Summer", "Autumn"]),
    min_score=st.sampled_from([0.0, 0.3]),
    risk_band=st.sampled_from([None, "medium", "high"]),
    only_worth=st.booleans(),
    capacity=st.none() | st.integers(0, 30),
    control_share=st.sampled_from([0.0, 0.3]),
    explore_share=st.sampled_from([0.0, 0.2]),
)


@settings(deadline=None)
@given(
    st.lists(st.lists(st.floats(0, 1), min_size=30, max_size=30), min_size=2, max_size=4),
    st.lists(terms, max_size=3, unique_by=lambda one: one.name),
    st.sets(st.integers(0, 29)),
)
def test_over_days_no_arm_changes_and_no_control_customer_gets_an_offer(days, campaigns, blocked) -> None:
    running = [replace(one, id=place + 1) for place, one in enumerate(campaigns)]
    wishes = {f"C{place:04d}" for place in blocked}
    standings: dict[str, Standing] = {name: Standing(blocked=True) for name in wishes}
    for scores in days:
        order = np.argsort([-score for score in scores], kind="stable")
        names = [f"C{place:04d}" for place in order]
        candidates = replace(listed([scores[place] for place in order]), customers=names, units=names)
        made = plan(candidates, standings, running)
        assert not {one.customer for one in made.new} & standings.keys()
        standings = after(standings, made)
        for place, name in enumerate(names):
            standing = standings.get(name)
            if made.offer[place]:
                assert name not in wishes
                assert made.why_not[place] is None
                assert not running or (standing is not None and standing.arm == "treated")
            elif standing is not None and standing.arm == "control":
                assert made.why_not[place] == "control_group"
        for one in running:
            offers = sum(made.offer[place] for place in range(30) if made.campaign_id[place] == one.id)
            assert one.capacity is None or offers <= one.capacity
