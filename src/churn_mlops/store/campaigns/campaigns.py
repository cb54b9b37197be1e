"""Campaigns: an offer to some customers over some time. A campaign is ended with a reason, and never deleted."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field, replace
from datetime import date, datetime
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, Table, func, insert, select, update

from churn_mlops.errors import ChurnError
from churn_mlops.store.audit_log import add_event
from churn_mlops.store.campaigns.assignments import breaks_an_arm, is_of_campaign, is_of_control
from churn_mlops.store.database.campaign_tables import ASSIGNMENTS, CAMPAIGNS
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.database.database import Store
from churn_mlops.store.database.schema import CONTACTS

CONTROL_SHARE = 0.1
EXPLORE_SHARE = 0.01
State = Literal["planned", "running", "ended"]


class CampaignExistsError(ChurnError):
    """Another campaign has this name."""


class UnknownCampaignError(ChurnError):
    """There is no campaign with this number."""


class CampaignEndedError(ChurnError):
    """The campaign was ended before."""


@dataclass(frozen=True)
class NewCampaign:
    """A campaign that is to be made.

    Args:
        name: shown to people; each campaign has another one.
        offer: what customers are offered, such as "20 % off for a year".
        offer_cost: USD for an offer that is taken, at least 0.
        script: the sentence to say.
        starts_on: the first date whose list may hold its customers.
        created_by: who made it, such as ``person:anna``.
        ends_on: the last such date; None runs until it is ended.
        min_score: customers from this churn probability on, in [0, 1].
        risk_band: customers of this risk band and above, "medium" or "high"; None takes all.
        only_worth: only customers with an expected gain above 0.
        capacity: most contacts of one list; None means no limit.
        control_share: share of the control group, in [0, 1).
        explore_share: share of all customers drawn at random, whatever their score, half of them treated; in [0, 1).
    """

    name: str
    offer: str
    offer_cost: float
    script: str
    starts_on: date
    created_by: str
    ends_on: date | None = None
    min_score: float = 0.0
    risk_band: str | None = None
    only_worth: bool = True
    capacity: int | None = None
    control_share: float = CONTROL_SHARE
    explore_share: float = EXPLORE_SHARE


@dataclass(frozen=True)
class Campaign(NewCampaign):
    """A campaign as it is stored; timestamps come back in UTC.

    Args:
        id: its number.
        created_at: when it was made.
        ended_at: when a person ended it, None before; a campaign whose ``ends_on`` is over has ended as well.
        ended_by: who ended it.
        ended_reason: why.
    """

    id: int = 0
    created_at: datetime = datetime.min
    ended_at: datetime | None = None
    ended_by: str | None = None
    ended_reason: str | None = None

    def state(self, on: date) -> State:
        """Whether it runs on the list of the date ``on``."""
        if self.ended_at is not None or (self.ends_on is not None and on > self.ends_on):
            return "ended"
        return "planned" if on < self.starts_on else "running"


@dataclass(frozen=True)
class CampaignCounts:
    """How many customers and contacts a campaign has.

    Args:
        treated: customers who get the offer.
        control: customers who get none, so that the others can be compared with them.
        explored: customers of both arms who were drawn at random.
        contacts: recorded contacts by result.
        overrides: contacts with customers of the control group, each with a reason.
        contacts_of_control: which of the contacts were with customers of the control group, by result.
    """

    treated: int = 0
    control: int = 0
    explored: int = 0
    contacts: dict[str, int] = field(default_factory=dict)
    overrides: int = 0
    contacts_of_control: dict[str, int] = field(default_factory=dict)

    def contacts_of_treated(self, result: str) -> int:
        """Contacts with a ``result`` that were not with the control group."""
        return self.contacts.get(result, 0) - self.contacts_of_control.get(result, 0)


def create_campaign(store: Store, new: NewCampaign, *, clock: Clock = utc_now) -> Campaign:
    """Make a campaign; the audit log says who made it.

    Raises:
        CampaignExistsError: another campaign has the name.
        StoreError: the store fails, or a value is out of its range.
    """
    with store.writing("make a campaign") as connection:
        if connection.scalar(select(CAMPAIGNS.c.id).where(CAMPAIGNS.c.name == new.name)) is not None:
            raise CampaignExistsError(f"another campaign is called {new.name!r}: choose another name")
        now = clock()
        row = connection.execute(insert(CAMPAIGNS).values(**asdict(new), created_at=now).returning(*CAMPAIGNS.c)).one()
        add_event(connection, now, new.created_by, "campaign.created", details={"campaign": row.id})
        return Campaign(**row._mapping)


def end_campaign(store: Store, campaign_id: int, *, by: str, reason: str, clock: Clock = utc_now) -> Campaign:
    """End a campaign; its customers keep their arms.

    Raises:
        UnknownCampaignError: there is none with this number.
        CampaignEndedError: it was ended before; the message names who did it.
        StoreError: the store fails.
    """
    with store.writing("end a campaign") as connection:
        found = _campaign(connection, campaign_id)
        if found.ended_at is not None:
            raise CampaignEndedError(
                f"{found.ended_by} ended the campaign at {found.ended_at:%Y-%m-%d %H:%M UTC}: {found.ended_reason}"
            )
        now = clock()
        values = {"ended_at": now, "ended_by": by, "ended_reason": reason}
        connection.execute(update(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id).values(values))
        add_event(connection, now, by, "campaign.ended", details={"campaign": campaign_id})
        return _campaign(connection, campaign_id)


def campaigns(store: Store) -> list[Campaign]:
    """All campaigns, the first to start first; of the same day, the first made.

    Raises:
        StoreError: the store fails.
    """
    query = select(CAMPAIGNS).order_by(CAMPAIGNS.c.starts_on, CAMPAIGNS.c.id)
    with store.reading("read the campaigns") as connection:
        return [Campaign(**row._mapping) for row in connection.execute(query)]


def running_campaigns(store: Store, on: date) -> list[Campaign]:
    """The campaigns that run on the date ``on``, in the order of :func:`campaigns`.

    Raises:
        StoreError: the store fails.
    """
    return [one for one in campaigns(store) if one.state(on) == "running"]


def campaign_of(store: Store, campaign_id: int) -> Campaign:
    """The campaign with this number.

    Raises:
        UnknownCampaignError: there is none.
        StoreError: the store fails.
    """
    with store.reading("read a campaign") as connection:
        return _campaign(connection, campaign_id)


def counts_of(store: Store, campaign_id: int) -> CampaignCounts:
    """How many customers and contacts the campaign has.

    Raises:
        StoreError: the store fails.
    """
    return _counts(store, campaign_id).get(campaign_id, CampaignCounts())


def counts_by_campaign(store: Store) -> dict[int, CampaignCounts]:
    """The counts of every campaign that has a customer, by its number: as many queries as for one campaign.

    Raises:
        StoreError: the store fails.
    """
    return _counts(store, None)


def _counts(store: Store, only: int | None) -> dict[int, CampaignCounts]:
    def grouped(table: Table, *by: ColumnElement[Any]) -> Select[Any]:
        of_it = table.c.campaign_id.is_not(None) if only is None else table.c.campaign_id == only
        return select(table.c.campaign_id, *by, func.count()).where(of_it).group_by(table.c.campaign_id, *by)

    found: dict[int, CampaignCounts] = defaultdict(CampaignCounts)
    with store.reading("count the customers of campaigns") as connection:
        for number, arm, explored, count in connection.execute(grouped(ASSIGNMENTS, *_BY_ARM)):
            one = found[number]
            found[number] = replace(one, **{arm: getattr(one, arm) + count}, explored=one.explored + explored * count)
        for number, result, count in connection.execute(grouped(CONTACTS, CONTACTS.c.result).where(is_of_campaign())):
            found[number] = replace(found[number], contacts=found[number].contacts | {result: count})
        for number, result, count in connection.execute(grouped(CONTACTS, CONTACTS.c.result).where(is_of_control())):
            of_control = found[number].contacts_of_control | {result: count}
            found[number] = replace(found[number], contacts_of_control=of_control)
        for number, count in connection.execute(grouped(CONTACTS).where(breaks_an_arm())):
            found[number] = replace(found[number], overrides=count)
    return dict(found)


_BY_ARM = (ASSIGNMENTS.c.arm, ASSIGNMENTS.c.explored)


def _campaign(connection: Connection, campaign_id: int) -> Campaign:
    row = connection.execute(select(CAMPAIGNS).where(CAMPAIGNS.c.id == campaign_id)).one_or_none()
    if row is None:
        raise UnknownCampaignError(f"there is no campaign {campaign_id}: `churn campaign list` shows all of them")
    return Campaign(**row._mapping)
