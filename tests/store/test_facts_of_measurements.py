"""The store counts arms, outcomes, costs and the use of lists as measurements need them, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from churn_mlops.pipelines.monitoring.run_rows import treatment_around
from churn_mlops.store import Store
from churn_mlops.store.campaigns.arm_outcomes import (
    ArmOn,
    ArmOutcomes,
    arm_outcomes,
    arms_between,
    first_draw_of_offers,
)
from churn_mlops.store.campaigns.assignments import Assignment, add_assignments
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.contacts import NewContact, record_contact
from churn_mlops.store.scoring.outcomes import Labels, record_labels
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.run_scores import (
    ListedContact,
    list_use_between,
    offered_between,
    run_scores,
    runs_since,
)
from tests.store.builders import DAY, NEXT, NOW, batch, run

NAMES = ["A", "B", "C", "D", "E"]
LEFT = [False, True, False, True, False]
CALL = NewContact("1", "a" * 64, "A", NOW, "20 % off", "accepted", "person:anna", campaign_id=1)


@pytest.fixture
def campaign(store: Store) -> Store:
    """A date of five customers with final labels and arms, and a date without; contacts with two customers."""
    publish(store, run(), [batch(NAMES, [0.9, 0.7, 0.5, 0.45, 0.2])])
    publish(store, run(NEXT), [batch(NAMES, [0.9, 0.7, 0.5, 0.45, 0.2])])
    record_labels(store, DAY, [Labels(NAMES, LEFT)], NOW)
    create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
    arms = {"A": "treated", "B": "treated", "C": "control", "D": "control"}
    rows = [Assignment(1, name, arm, name == "D", DAY) for name, arm in arms.items()]
    with store.writing("assign") as connection:
        add_assignments(connection, [*rows, Assignment(1, "E", "treated", False, NEXT)])
    record_contact(store, CALL)
    dismissed = replace(CALL, key="2", customer="B", result="not_offered", dismissal="bad_time")
    record_contact(store, dismissed)
    return store


def test_arms_are_counted_by_the_labels_of_their_own_run(campaign: Store) -> None:
    # D was drawn at random, and E has no final label yet.
    assert arm_outcomes(campaign) == [
        ArmOutcomes(1, treated=2, treated_stayed=1, control=1, control_stayed=1, contacts=1, taken=1)
    ]


def test_a_campaign_without_labels_counts_nothing(store: Store) -> None:
    create_campaign(store, NewCampaign("Spring", "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
    assert arm_outcomes(store) == [ArmOutcomes(1)]


def test_arms_of_a_date_come_with_the_share_of_the_control_group(campaign: Store) -> None:
    found = {one.customer: one for one in arms_between(campaign, DAY, DAY)}
    assert found["C"] == ArmOn("C", True, 0.1, False)
    assert (sorted(found), found["D"].explored, found["A"].is_control) == (["A", "B", "C", "D"], True, False)


def test_scores_come_beside_their_labels_where_there_are_any(campaign: Store) -> None:
    (labelled,), (later,) = [list(run_scores(campaign, one)) for one in runs_since(campaign, DAY)]
    assert (labelled.customer, labelled.left) == (NAMES, LEFT)
    assert (later.score, later.left) == ([0.9, 0.7, 0.5, 0.45, 0.2], [None] * 5)
    assert labelled.risk_band == ["high", "high", "high", "low", "low"]
    assert [one.as_of for one in runs_since(campaign, NEXT)] == [NEXT]


def test_the_use_of_lists_counts_each_customer_once_by_their_latest_contact(campaign: Store) -> None:
    record_contact(campaign, replace(CALL, key="3", customer="B", at=NOW + timedelta(hours=1), caller="person:ben"))
    record_contact(campaign, replace(CALL, key="4", customer="E"))  # not on a list
    found = list_use_between(campaign, DAY, NEXT)
    assert found.listed == 4
    assert sorted(found.contacts, key=lambda one: one.caller) == [
        ListedContact("person:anna", None),
        ListedContact("person:ben", None),
    ]


def test_a_dismissal_is_no_offer(campaign: Store) -> None:
    assert offered_between(campaign, DAY, NOW.date()) == {"A"}
    assert offered_between(campaign, DAY, NOW.date() - timedelta(days=1)) == set()


def test_the_earliest_draw_of_an_offer_is_that_of_its_campaign(campaign: Store) -> None:
    today, later = NOW.date(), NOW + timedelta(days=1)
    assert first_draw_of_offers(campaign, today, today) == DAY
    record_contact(campaign, replace(CALL, key="3", customer="E", at=later))
    record_contact(campaign, replace(CALL, key="4", customer="A", at=later, campaign_id=None))
    assert first_draw_of_offers(campaign, later.date(), later.date()) == NEXT
    assert first_draw_of_offers(campaign, later.date() + timedelta(days=1), later.date() + timedelta(days=1)) is None


def test_a_customer_who_was_drawn_long_before_their_offer_is_still_seen(campaign: Store) -> None:
    late = runs_since(campaign, DAY)[0]
    late = replace(late, as_of=NOW.date() + timedelta(days=1))  # A was drawn before its days, and called within them
    found = treatment_around(campaign, late, follow_days=1, final_after=30)
    assert found.unseen == frozenset()
    assert {"A", "B"} <= found.treated
    assert found.control_share.keys() == {"C", "D"}
