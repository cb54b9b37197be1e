"""Contact fatigue: a customer is not contacted too often, and is made one offer in a while."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol


class PastContacts(Protocol):
    """The earlier contacts with a customer; all times have a time zone."""

    @property
    def contacted_at(self) -> Sequence[datetime]:
        """Times at which the customer was contacted, or at which it was tried."""

    @property
    def offered_at(self) -> datetime | None:
        """When the customer last heard an offer, None where they never did."""

    @property
    def dismissed_at(self) -> datetime | None:
        """When an agent last decided to make no offer, None where none did."""


@dataclass(frozen=True)
class FatigueRule:
    """How often a customer may be contacted.

    Args:
        contact_limit: most contacts in ``contact_days``, at least 1; None means no limit.
        contact_days: days over which contacts count, at least 1; so long does a dismissal count too.
        offer_days: days until a customer may hear the next offer, at least 0.
    """

    contact_limit: int | None = 3
    contact_days: int = 30
    offer_days: int = 365

    @property
    def longest(self) -> timedelta:
        """How far back contacts count."""
        return timedelta(days=max(self.contact_days, self.offer_days))


def offered_recently(past: PastContacts, now: datetime, rule: FatigueRule) -> bool:
    """Whether the customer heard an offer in the last ``offer_days``."""
    return past.offered_at is not None and past.offered_at > now - timedelta(days=rule.offer_days)


def contacted_too_often(past: PastContacts, now: datetime, rule: FatigueRule) -> bool:
    """Whether the customer had ``contact_limit`` contacts in the last ``contact_days``."""
    if rule.contact_limit is None:
        return False
    since = now - timedelta(days=rule.contact_days)
    return sum(at > since for at in past.contacted_at) >= rule.contact_limit


def dismissed_recently(past: PastContacts, now: datetime, rule: FatigueRule) -> bool:
    """Whether an agent decided in the last ``contact_days`` to make no offer."""
    return past.dismissed_at is not None and past.dismissed_at > now - timedelta(days=rule.contact_days)
