"""Contacts, offers and dismissals tire a customer for as long as the settings say, tested from both sides."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from churn_mlops.retention.fatigue import FatigueRule, contacted_too_often, dismissed_recently, offered_recently

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)
RULE = FatigueRule(contact_limit=2, contact_days=30, offer_days=365)
SECOND = timedelta(seconds=1)


@dataclass(frozen=True)
class Past:
    contacted_at: tuple[datetime, ...] = ()
    offered_at: datetime | None = None
    dismissed_at: datetime | None = None


def ago(days: int, more: timedelta = timedelta()) -> datetime:
    return NOW - timedelta(days=days) + more


@pytest.mark.parametrize(
    ("contacts", "tired"),
    [
        ((), False),
        ((ago(1),), False),
        ((ago(30, SECOND), ago(1)), True),
        ((ago(30), ago(1)), False),
        ((ago(40), ago(35), ago(31), ago(1)), False),
        ((ago(3), ago(2), ago(1)), True),
    ],
)
def test_a_customer_is_contacted_so_often_in_so_many_days(contacts: tuple[datetime, ...], tired: bool) -> None:
    assert contacted_too_often(Past(contacts), NOW, RULE) is tired


def test_without_a_limit_no_customer_is_contacted_too_often() -> None:
    assert not contacted_too_often(Past(tuple([ago(1)] * 99)), NOW, FatigueRule(contact_limit=None))


@pytest.mark.parametrize(("at", "recent"), [(None, False), (ago(365, SECOND), True), (ago(365), False), (NOW, True)])
def test_an_offer_keeps_the_next_one_away_for_a_year(at: datetime | None, recent: bool) -> None:
    assert offered_recently(Past(offered_at=at), NOW, RULE) is recent


@pytest.mark.parametrize(("at", "recent"), [(None, False), (ago(30, SECOND), True), (ago(30), False)])
def test_a_dismissal_counts_for_as_long_as_contacts_do(at: datetime | None, recent: bool) -> None:
    assert dismissed_recently(Past(dismissed_at=at), NOW, RULE) is recent


def test_the_longest_window_is_how_far_back_contacts_count() -> None:
    assert FatigueRule(contact_days=30, offer_days=0).longest == timedelta(days=30)
    assert RULE.longest == timedelta(days=365)
