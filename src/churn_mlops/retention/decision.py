"""The decision about a customer: likely to churn or not, risk band, worth an offer, on the contact list.

The list of one process, Spark and the API all decide here. A decision by the score alone takes a number or a
NumPy array; on Spark the workers compute it. A decision by the rank too is written with operators only, so that the
same line takes numbers, NumPy arrays and Spark columns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, Literal, Protocol, overload

import numpy as np
import numpy.typing as npt

from churn_mlops.retention.arms import CONTROL
from churn_mlops.retention.economics import LEAVE_ALONE, OFFER, Economics, worth_an_offer
from churn_mlops.retention.fatigue import (
    FatigueRule,
    PastContacts,
    contacted_too_often,
    dismissed_recently,
    offered_recently,
)

RiskBand = Literal["low", "medium", "high"]
RISK_BANDS: Final[tuple[RiskBand, ...]] = ("low", "medium", "high")
WhyNot = Literal[
    "never_contacted",
    "do_not_contact",
    "payment_failed",
    "control_group",
    "offered_recently",
    "contacted_recently",
    "dismissed_recently",
    "not_worth_it",
    "offer_does_harm",
    "beyond_capacity",
    "in_no_campaign",
    "followed",
    "not_listed",
    "unknown",
]
WHY_NOT: Final[dict[WhyNot, str]] = {
    "never_contacted": "they are staff or a test account",
    "do_not_contact": "they must not be contacted",
    "payment_failed": "a payment failed: this is a dunning case, not a case for a discount",
    "control_group": "they are in the control group, which gets no offer, so that the worth of offers can be measured",
    "offered_recently": "they heard an offer recently",
    "contacted_recently": "they were contacted often recently",
    "dismissed_recently": "an agent decided recently to make no offer",
    "not_worth_it": "an offer is expected to cost more than it gains",
    "offer_does_harm": "the offer loses money with every customer",
    "beyond_capacity": "the list ends before them, at its capacity",
    "in_no_campaign": "no running campaign takes them",
    "followed": "their campaign ended, and its result is still measured",
    "not_listed": "their score rose after the list was made",
    "unknown": "the store cannot be reached, so that their arm is not known",
}
"""Why a customer gets no offer, in words."""
Values = Any
"""A number, an array of NumPy or a Spark column: whatever has the operators of an expression."""


@dataclass(frozen=True)
class DecisionRule:
    """The rule that decides about a customer, given their score and their rank.

    Args:
        economics: what customers and offers cost and bring.
        threshold: score from which a customer counts as likely to churn, in [0, 1].
        medium_from: score from which the risk is medium, in [0, 1].
        high_from: score from which the risk is high, at least ``medium_from``.
        capacity: most contacts of one run, at least 0; None means no limit.
        fatigue: how often a customer may be contacted.
        never_contacted: IDs of customers who get no offer, such as staff and test accounts.
    """

    economics: Economics
    threshold: float = 0.5
    medium_from: float = 0.2
    high_from: float = 0.5
    capacity: int | None = None
    fatigue: FatigueRule = field(default_factory=FatigueRule)
    never_contacted: frozenset[str] = frozenset()

    @overload
    def will_churn(self, score: float) -> bool: ...
    @overload
    def will_churn(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]: ...
    def will_churn(self, score: Values) -> Values:
        """Whether a score reaches the decision threshold."""
        return score >= self.threshold

    @overload
    def worth_an_offer(self, score: float) -> bool: ...
    @overload
    def worth_an_offer(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]: ...
    def worth_an_offer(self, score: Values) -> Values:
        """Whether an offer is expected to gain more than it costs, by the score alone."""
        return worth_an_offer(score, self.economics)

    def risk_band(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
        """The risk band of each score, one of `RISK_BANDS`."""
        return np.array(RISK_BANDS)[np.digitize(score, [self.medium_from, self.high_from])]

    def on_contact_list(self, worth: Values, rank: Values) -> Values:
        """Whether a customer is on the contact list: those worth an offer, best first, cut at the capacity.

        Args:
            worth: whether each customer is worth an offer, as :meth:`worth_an_offer` says.
            rank: rank of each customer, from 1.
        """
        return worth if self.capacity is None else worth & (rank <= self.capacity)

    def contacts(self, worth: int) -> int:
        """Length of the contact list where ``worth`` customers are worth an offer."""
        return worth if self.capacity is None else min(worth, self.capacity)


class DecisionSettings(Protocol):
    """The settings of the decision."""

    def economics(self) -> Mapping[str, float]:
        """The arguments of ``Economics``."""

    def fatigue(self) -> Mapping[str, Any]:
        """The arguments of ``FatigueRule``."""

    def limits(self) -> Mapping[str, Any]:
        """The other arguments of ``DecisionRule``."""


def rule_of(settings: DecisionSettings) -> DecisionRule:
    """The rule that decides about each customer, by the settings."""
    economics, fatigue = Economics(**settings.economics()), FatigueRule(**settings.fatigue())
    return DecisionRule(economics, fatigue=fatigue, **settings.limits())


def actions(on_contact_list: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """The action for each customer: an offer to those on the contact list, and to no one else."""
    return np.where(on_contact_list, OFFER, LEAVE_ALONE)


class Standing(PastContacts, Protocol):
    """The record of a customer: their arm, their wish, and earlier contacts."""

    @property
    def campaign_id(self) -> int | None:
        """The campaign that their arm belongs to, None where they have none."""

    @property
    def arm(self) -> str | None:
        """The arm that counts: "treated" or "control", None where they have none."""

    @property
    def campaign_runs(self) -> bool:
        """Whether that campaign runs."""

    @property
    def blocked(self) -> bool:
        """Whether they must not be contacted."""


@dataclass(frozen=True)
class OfferDecision:
    """Whether a customer gets an offer now.

    Args:
        offer: whether they do.
        why_not: the reason, None where they do; `WHY_NOT` has the words.
    """

    offer: bool
    why_not: WhyNot | None = None

    @classmethod
    def of_list(cls, action: str, why_not: str | None) -> OfferDecision:
        """The decision as a list states it; a reason that this version does not know is none."""
        known = next((one for one in WHY_NOT if one == why_not), None)
        return cls(action == OFFER, known)


def ruled_out(
    customer: str, standing: Standing | None, rule: DecisionRule, now: datetime, *, payment_failed: bool = False
) -> WhyNot | None:
    """Why a customer gets no offer, whatever their score; None where nothing speaks against one.

    This is the one rule of the daily list, the API, exports and the webhook.

    Args:
        customer: the customer ID.
        standing: what is recorded of them, None where nothing is.
        rule: what decides.
        now: the time, with its zone.
        payment_failed: whether a payment failed.
    """
    if customer in rule.never_contacted:
        return "never_contacted"
    if standing is not None and standing.blocked:
        return "do_not_contact"
    if payment_failed:
        return "payment_failed"
    if standing is None:
        return None
    if standing.arm == CONTROL:
        return "control_group"
    if offered_recently(standing, now, rule.fatigue):
        return "offered_recently"
    if contacted_too_often(standing, now, rule.fatigue):
        return "contacted_recently"
    if dismissed_recently(standing, now, rule.fatigue):
        return "dismissed_recently"
    return "followed" if standing.campaign_id is not None and not standing.campaign_runs else None


def not_worth(economics: Economics) -> WhyNot:
    """Why an offer is not worth it: it loses money with every customer, or with this one."""
    return "offer_does_harm" if economics.gain_from_leaver <= 0.0 else "not_worth_it"


def offer_now(ruled: WhyNot | None, listed: OfferDecision | None, worth: bool, rule: DecisionRule) -> OfferDecision:
    """Whether a customer who is looked at between two lists gets an offer.

    Args:
        ruled: what :func:`ruled_out` says now.
        listed: what was decided when the newest list was made; None where there is no list, and no campaign runs.
        worth: whether an offer is worth it by their score now.
        rule: what decides.
    """
    if ruled is not None:
        return OfferDecision(False, ruled)
    if listed is None:
        return OfferDecision(worth, None if worth else not_worth(rule.economics))
    if listed.offer:
        return listed
    return OfferDecision(False, listed.why_not or ("not_listed" if worth else not_worth(rule.economics)))
