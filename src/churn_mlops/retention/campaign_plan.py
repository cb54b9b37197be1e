"""The plan of a list: which campaign takes each customer, their arm, and whether they get an offer.

A customer is in one campaign at a time. A customer who is in one stays in it while it runs and while they are followed.
Another customer is taken by the running campaign that started first, of those that take them and have room.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

import numpy as np
import numpy.typing as npt

from churn_mlops.retention.arms import CONTROL, TREATED, Draws, arms_of
from churn_mlops.retention.decision import RISK_BANDS, DecisionRule, Standing, WhyNot, ruled_out
from churn_mlops.retention.economics import Economics, expected_gain, worth_an_offer

EXPLORERS_OF_CAPACITY = 10
"""Explorers take at most one in so many contacts of a list, and at least one."""


class Terms(Protocol):
    """The terms of a campaign that runs."""

    @property
    def id(self) -> int:
        """Its number."""

    @property
    def name(self) -> str:
        """Its name, by which arms are drawn."""

    @property
    def offer_cost(self) -> float:
        """USD for an offer that is taken."""

    @property
    def min_score(self) -> float:
        """Customers from this score on."""

    @property
    def risk_band(self) -> str | None:
        """Customers of this band and above, None takes all."""

    @property
    def only_worth(self) -> bool:
        """Only customers with an expected gain above 0."""

    @property
    def capacity(self) -> int | None:
        """Most contacts of one list, None means no limit."""

    @property
    def control_share(self) -> float:
        """Share of the control group."""

    @property
    def explore_share(self) -> float:
        """Share of customers who are drawn at random."""


@dataclass(frozen=True)
class Candidates:
    """The customers of a list, best first; each field has one value a customer.

    Args:
        customers: customer IDs.
        scores: churn probabilities.
        active: whether the customer is still there.
        units: customer IDs, or households: what is drawn.
        payment_failed: whether a payment failed.
    """

    customers: Sequence[str]
    scores: npt.NDArray[np.float64]
    active: npt.NDArray[np.bool_]
    units: Sequence[str]
    payment_failed: npt.NDArray[np.bool_]


@dataclass(frozen=True)
class NewArm:
    """An arm that was drawn for this list.

    Args:
        campaign_id: the campaign.
        customer: the customer ID.
        arm: "treated" or "control".
        explored: whether the customer was drawn at random.
    """

    campaign_id: int
    customer: str
    arm: str
    explored: bool


@dataclass(frozen=True)
class Plan:
    """The decision about each customer of a list, in its order.

    Args:
        offer: whether they get an offer.
        campaign_id: the campaign of their arm, None where they have none.
        why_not: why they get no offer, None where they do or where their score alone says it.
        expected_gain: USD, of the offer of their campaign, to the cent; NaN where they have no campaign.
        new: the arms that were drawn.
    """

    offer: npt.NDArray[np.bool_]
    campaign_id: list[int | None]
    why_not: list[WhyNot | None]
    expected_gain: npt.NDArray[np.float64]
    new: list[NewArm]


def plan_list(
    candidates: Candidates,
    standings: Mapping[str, Standing],
    campaigns: Sequence[Terms],
    rule: DecisionRule,
    key: str,
    now: datetime,
    *,
    explore: bool = True,
) -> Plan:
    """Decide who is on the contact list.

    If no campaign runs, all customers worth an offer are on it, within the capacity of the settings.

    Args:
        candidates: the customers, best first.
        standings: what is recorded of customers, by customer ID.
        campaigns: those that run, the first to start first.
        rule: what decides.
        key: the setting ``decision.campaign_key``.
        now: the time, with its zone.
        explore: whether customers are drawn at random; not where only the top of the list is known.
    """
    planning = _Planning(candidates, standings, rule, now)
    if campaigns:
        for terms in campaigns:
            planning.run(terms, key, explore=explore)
        planning.close(campaigns_run=True)
    else:
        planning.without_campaigns()
    return Plan(planning.offer, planning.campaign_id, planning.why_not, planning.gain, planning.new)


class _Planning:
    """The plan as it grows, one campaign after the other. A place is that of a customer in the list, from 0."""

    def __init__(
        self, candidates: Candidates, standings: Mapping[str, Standing], rule: DecisionRule, now: datetime
    ) -> None:
        self._of, self._rule = candidates, rule
        count = len(candidates.customers)
        self.offer, self.gain = np.zeros(count, dtype=bool), np.full(count, np.nan)
        self.campaign_id: list[int | None] = [None] * count
        self.why_not: list[WhyNot | None] = [None] * count
        self.new: list[NewArm] = []
        self._free = candidates.active.copy()
        """Customers who may be given an arm: they have none, and nothing speaks against an offer."""
        self._full = np.zeros(count, dtype=bool)
        """Customers that a campaign would have taken if it had had room."""
        self._arms: dict[int, str] = {}
        self._campaign_of_unit: dict[str, tuple[int, str]] = {}
        for place, standing in self._special(standings):
            self._take_up(place, standing, now)

    def _special(self, standings: Mapping[str, Standing]) -> list[tuple[int, Standing | None]]:
        """Active customers with a standing, or with a rule against an offer."""
        found = [standings.get(customer) for customer in self._of.customers]
        special = np.array([one is not None for one in found], dtype=bool) | self._of.payment_failed
        if self._rule.never_contacted:
            special |= np.array([one in self._rule.never_contacted for one in self._of.customers], dtype=bool)
        return [(place, found[place]) for place in np.flatnonzero(special & self._of.active).tolist()]

    def _take_up(self, place: int, standing: Standing | None, now: datetime) -> None:
        failed = bool(self._of.payment_failed[place])
        why_not = ruled_out(self._of.customers[place], standing, self._rule, now, payment_failed=failed)
        self.why_not[place], self._free[place] = why_not, why_not is None
        if standing is not None and standing.campaign_id is not None and standing.arm is not None:
            self._bind(place, standing.campaign_id, standing.arm)

    def _bind(self, place: int, campaign_id: int, arm: str) -> None:
        self._free[place], self.campaign_id[place], self._arms[place] = False, campaign_id, arm
        self._campaign_of_unit.setdefault(self._of.units[place], (campaign_id, arm))

    def without_campaigns(self) -> None:
        """The contact list by the settings alone."""
        worth = self._free & self._rule.worth_an_offer(self._of.scores)
        capacity = self._rule.capacity
        self.offer = worth if capacity is None else worth & (np.cumsum(worth) <= capacity)
        self._full = worth & ~self.offer
        self.close(campaigns_run=False)

    def run(self, terms: Terms, key: str, *, explore: bool) -> None:
        """Fill the list of one campaign: explorers in the order of their draw, then all others by rank."""
        economics = replace(self._rule.economics, offer_cost=terms.offer_cost)
        matches = self._of.active & self._matching(terms, economics)
        pool = self._free | np.array([one == terms.id for one in self.campaign_id], dtype=bool)
        asked = np.flatnonzero(pool if explore else pool & matches)
        drawn = self._draw(terms, key, asked)
        room = len(pool) if terms.capacity is None else terms.capacity
        explorers = asked[drawn.explores][np.argsort(drawn.place[drawn.explores], kind="stable")]
        part = room if terms.capacity is None else min(room, max(1, room // EXPLORERS_OF_CAPACITY))
        control = dict(zip(asked.tolist(), drawn.control.tolist(), strict=True))
        exploring = set(explorers.tolist())
        if explore:
            room -= self._visit(terms, explorers.tolist(), control, exploring, part)
        self._visit(terms, np.flatnonzero(pool & matches & ~self.offer).tolist(), control, exploring, room)
        offered = np.array([one == terms.id for one in self.campaign_id], dtype=bool) & self.offer
        self.gain[offered] = expected_gain(self._of.scores[offered], economics).round(2)

    def _draw(self, terms: Terms, key: str, asked: npt.NDArray[np.intp]) -> Draws:
        units = [self._of.units[place] for place in asked.tolist()]
        shares = {"control_share": terms.control_share, "explore_share": terms.explore_share}
        return arms_of(key, terms.name, units, **shares)

    def _visit(
        self, terms: Terms, places: Sequence[int], control: Mapping[int, bool], exploring: set[int], room: int
    ) -> int:
        """Give customers their arm in turn, and an offer to the treated, until the room is used; return how much is."""
        used = 0
        for turn, place in enumerate(places):
            if used >= room:
                self._full[places[turn:]] = True
                break
            if self._free[place]:
                self._assign(terms, place, CONTROL if control[place] else TREATED, explored=place in exploring)
            if self.campaign_id[place] == terms.id and self.why_not[place] is None:
                self.offer[place] = True
                used += 1
        return used

    def _assign(self, terms: Terms, place: int, drawn: str, *, explored: bool) -> None:
        """Give a customer the arm of their household, or else the drawn one, unless it is in another campaign."""
        campaign_id, arm = self._campaign_of_unit.get(self._of.units[place], (terms.id, drawn))
        if campaign_id != terms.id:
            return
        self._bind(place, terms.id, arm)
        self.new.append(NewArm(terms.id, self._of.customers[place], arm, explored))
        if arm == CONTROL:
            self.why_not[place] = "control_group"

    def close(self, *, campaigns_run: bool) -> None:
        """Say why of all customers who get no offer for more than their score."""
        worth = self._rule.worth_an_offer(self._of.scores)
        open_ = self._of.active & ~self.offer
        for place in np.flatnonzero(open_).tolist():
            if self.why_not[place] is not None:
                continue
            if self._full[place]:
                self.why_not[place] = "beyond_capacity"
            elif worth[place] and campaigns_run:
                self.why_not[place] = "in_no_campaign"

    def _matching(self, terms: Terms, economics: Economics) -> npt.NDArray[np.bool_]:
        found = self._of.scores >= terms.min_score
        if terms.risk_band is not None:
            bands = RISK_BANDS[RISK_BANDS.index(terms.risk_band) :]
            found &= np.isin(self._rule.risk_band(self._of.scores), bands)
        return found & worth_an_offer(self._of.scores, economics) if terms.only_worth else found
