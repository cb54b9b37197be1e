"""Campaigns are made once a name, ended once, and never deleted, on both databases."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from churn_mlops.errors import RowsRefusedError
from churn_mlops.store import Store
from churn_mlops.store.audit_log import audit_events
from churn_mlops.store.campaigns.assignments import (
    Assignment,
    add_assignments,
    assignments_in,
    assignments_of,
    bound_arms,
    overrides_of,
)
from churn_mlops.store.campaigns.campaigns import (
    CampaignCounts,
    CampaignEndedError,
    CampaignExistsError,
    NewCampaign,
    UnknownCampaignError,
    campaign_of,
    campaigns,
    counts_by_campaign,
    counts_of,
    create_campaign,
    end_campaign,
    running_campaigns,
)
from churn_mlops.store.campaigns.do_not_contact import set_do_not_contact
from churn_mlops.store.contacts import (
    ContactRules,
    ControlGroupError,
    DoNotContactError,
    NewContact,
    accept_contact,
    record_contact,
)
from churn_mlops.store.erasure import forget

DAY = date(2026, 11, 23)
NOW = datetime(2026, 11, 23, 14, 5, tzinfo=UTC)
RULES = ContactRules(DAY, DAY - timedelta(days=90))
NEW = NewCampaign("Spring", "20 % off for a year", 50.0, "We would like to thank you.", DAY, "person:anna")


def assign(store: Store, *rows: Assignment) -> None:
    with store.writing("assign") as connection:
        add_assignments(connection, rows)


def contact(key: str, customer: str, **changed: object) -> NewContact:
    return replace(NewContact(key, "a" * 64, customer, NOW, "20 % off", "accepted", "person:anna"), **changed)  # type: ignore[arg-type]


def test_a_campaign_comes_back_as_it_was_made_and_its_name_is_its_own(store: Store) -> None:
    made = create_campaign(store, NEW, clock=lambda: NOW)
    assert (made.name, made.control_share, made.explore_share, made.created_at) == ("Spring", 0.1, 0.01, NOW)
    assert campaigns(store) == [made] == [campaign_of(store, made.id)]
    with pytest.raises(CampaignExistsError, match="Spring"):
        create_campaign(store, NEW)
    assert [one.event for one in audit_events(store)] == ["campaign.created"]
    with pytest.raises(UnknownCampaignError, match="no campaign 99"):
        campaign_of(store, 99)


def test_a_campaign_runs_from_its_start_until_its_last_date_or_until_it_is_ended(store: Store) -> None:
    short = create_campaign(store, replace(NEW, name="short", ends_on=DAY + timedelta(days=2)))
    open_end = create_campaign(store, replace(NEW, name="open", starts_on=DAY - timedelta(days=1)))
    assert [one.name for one in running_campaigns(store, DAY)] == ["open", "short"]
    assert short.state(DAY - timedelta(days=1)) == "planned"
    assert [one.name for one in running_campaigns(store, DAY + timedelta(days=3))] == ["open"]
    ended = end_campaign(store, open_end.id, by="person:anna", reason="the budget is spent", clock=lambda: NOW)
    assert (ended.state(DAY), ended.ended_by, ended.ended_reason) == ("ended", "person:anna", "the budget is spent")
    with pytest.raises(CampaignEndedError, match="person:anna ended the campaign at 2026-11-23 14:05 UTC"):
        end_campaign(store, open_end.id, by="person:ben", reason="again")
    assert len(campaigns(store)) == 2


@pytest.mark.parametrize(
    "changed", [{"control_share": 1.0}, {"explore_share": -0.1}, {"min_score": 1.5}, {"offer_cost": -1.0}]
)
def test_a_value_out_of_its_range_is_refused(store: Store, changed: dict[str, float]) -> None:
    with pytest.raises(RowsRefusedError):
        create_campaign(store, replace(NEW, **changed))  # type: ignore[arg-type]
    assert campaigns(store) == []


def test_an_arm_is_written_once_and_never_changed(store: Store) -> None:
    id = create_campaign(store, NEW).id
    assign(store, Assignment(id, "C1", "control", False, DAY), Assignment(id, "C2", "treated", True, DAY))
    assign(store, Assignment(id, "C1", "treated", False, DAY + timedelta(days=1)))
    assert assignments_of(store, "C1") == [Assignment(id, "C1", "control", False, DAY)]
    assert [one.customer for one in assignments_in(store, id, limit=10)] == ["C1", "C2"]
    assert [one.customer for one in assignments_in(store, id, after="C1", limit=10)] == ["C2"]
    counts = counts_of(store, id)
    assert (counts.treated, counts.control, counts.explored) == (1, 1, 1)


def test_an_arm_counts_while_the_campaign_runs_and_while_the_customer_is_followed(store: Store) -> None:
    id = create_campaign(store, replace(NEW, ends_on=DAY)).id
    assign(store, Assignment(id, "C1", "control", False, DAY))
    ninety = timedelta(days=90)
    for later, counts in ((0, True), (1, True), (90, True), (91, False)):
        on = DAY + timedelta(days=later)
        assert ("C1" in bound_arms(store, on, on - ninety)) is counts
        assert ("C1" in bound_arms(store, on, on - ninety, ["C1", "C2", "a\x00b"])) is counts


def test_a_contact_with_the_control_group_needs_a_reason_which_says_who_broke_the_arm(store: Store) -> None:
    id = create_campaign(store, NEW).id
    assign(store, Assignment(id, "C1", "control", False, DAY), Assignment(id, "C2", "treated", False, DAY))
    with pytest.raises(ControlGroupError):
        accept_contact(store, contact("k1", "C1"), RULES)
    accept_contact(store, contact("k2", "C1", result="not_offered", dismissal="advised_against"), RULES)
    broken, _ = accept_contact(store, contact("k1", "C1", override_reason="they threatened to go"), RULES)
    assert (broken.campaign_id, accept_contact(store, contact("k3", "C2"), RULES)[0].campaign_id) == (id, id)
    [override] = overrides_of(store, id)
    assert (override.customer, override.caller, override.reason) == ("C1", "person:anna", "they threatened to go")
    counts = counts_of(store, id)
    assert (counts.contacts, counts.overrides) == ({"accepted": 2, "not_offered": 1}, 1)


def test_a_contact_belongs_to_a_campaign_that_its_customer_has_an_arm_in(store: Store) -> None:
    first, second = create_campaign(store, NEW).id, create_campaign(store, replace(NEW, name="Summer")).id
    assign(store, Assignment(first, "C1", "treated", False, DAY), Assignment(second, "C1", "treated", False, DAY))
    assign(store, Assignment(first, "C2", "control", False, DAY))
    given = [("C1", first), ("C1", second), ("C1", None), ("C1", 99), ("C2", second), ("C3", first)]
    made = [
        accept_contact(store, contact(f"k{n}", name, campaign_id=id, override_reason="they called us"), RULES)[0]
        for n, (name, id) in enumerate(given)
    ]
    assert [one.campaign_id for one in made] == [first, second, second, second, first, None]
    assert [override.customer for override in overrides_of(store, first)] == ["C2"]


def test_a_contact_that_names_a_foreign_campaign_changes_none_of_its_figures(store: Store) -> None:
    id = create_campaign(store, NEW).id
    assign(store, Assignment(id, "C1", "treated", False, DAY), Assignment(id, "C2", "control", False, DAY))
    for n, name in enumerate(("C1", "C2", "stranger")):  # as an earlier version recorded them, without a check
        record_contact(store, contact(f"k{n}", name, campaign_id=id, override_reason="they called us"))
    counts = counts_of(store, id)
    assert (counts.contacts, counts.overrides) == ({"accepted": 2}, 1)
    assert [override.customer for override in overrides_of(store, id)] == ["C2"]
    forget(store, "key", "C1", by="cli:anna")
    assert counts_of(store, id).contacts == {"accepted": 2}  # the contact of an erased customer stays as a total


def test_the_counts_of_all_campaigns_together_are_those_of_each(store: Store) -> None:
    ids = [create_campaign(store, replace(NEW, name=name)).id for name in ("one", "two", "none")]
    for id in ids[:2]:
        arms = (("C1", "treated", False), ("C2", "control", True), (f"D{id}", "treated", True))
        assign(store, *(Assignment(id, name, arm, explored, DAY) for name, arm, explored in arms))
        record_contact(store, contact(f"k{id}", "C1", campaign_id=id))
    record_contact(store, contact("broken", "C2", campaign_id=ids[0], override_reason="they called us"))
    found = counts_by_campaign(store)
    assert found == {id: counts_of(store, id) for id in ids[:2]}
    assert found[ids[0]] == CampaignCounts(2, 1, 2, {"accepted": 2}, 1, {"accepted": 1})
    assert counts_of(store, ids[2]) == CampaignCounts()


def test_a_contact_with_a_customer_who_must_not_be_contacted_needs_a_reason(store: Store) -> None:
    set_do_not_contact(store, "C1", blocked=True, reason="they asked for it", by="person:anna")
    with pytest.raises(DoNotContactError):
        accept_contact(store, contact("k1", "C1"), RULES)
    assert accept_contact(store, contact("k1", "C1", override_reason="they called us"), RULES)[1]
    set_do_not_contact(store, "C1", blocked=False, reason="they changed their mind", by="person:anna")
    assert accept_contact(store, contact("k2", "C1"), RULES)[1]


@pytest.mark.parametrize("wrong", [{"result": "not_offered"}, {"dismissal": "bad_time"}, {"channel": "pigeon"}])
def test_a_dismissal_carries_a_reason_and_nothing_else_does(store: Store, wrong: dict[str, str]) -> None:
    with pytest.raises(RowsRefusedError):
        accept_contact(store, contact("k1", "C1", **wrong), RULES)
