"""Whether a customer gets an offer now: the newest list, and what happened since it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from churn_mlops.config.decision import Decision
from churn_mlops.retention import DecisionRule
from churn_mlops.retention.decision import (
    WHY_NOT,
    OfferDecision,
    Standing,
    offer_now,
    rule_of,
    ruled_out,
)
from churn_mlops.retention.economics import action_of
from churn_mlops.store import Store
from churn_mlops.store.campaigns.campaigns import Campaign, campaign_of, campaigns
from churn_mlops.store.campaigns.standings import Window, standings
from churn_mlops.store.database.clock import Clock, utc_now
from churn_mlops.store.scoring.predictions import Prediction, predictions
from churn_mlops.store.scoring.runs import latest_run


@dataclass(frozen=True)
class CustomerOffer:
    """The decision about one customer.

    Args:
        decision: whether they get an offer, and why not.
        on_contact_list: whether they are on the contact list of the newest published date; None without one.
        campaign: the campaign that makes the offer, None where the settings do or where there is no offer.
    """

    decision: OfferDecision
    on_contact_list: bool | None = None
    campaign: Campaign | None = None

    def to_json(self) -> dict[str, Any]:
        """The decision as the API answers it."""
        return {
            "on_contact_list": self.on_contact_list,
            "action": action_of(self.decision.offer),
            **why_not_json(self.decision.why_not),
            "campaign": None if self.campaign is None else offered_by(self.campaign),
        }


UNKNOWN = CustomerOffer(OfferDecision(False, "unknown"))
"""While the store is unavailable: the customer may be in a control group, so no offer is made."""


class Offers:
    """Decides about customers between two lists, by the one rule of ``retention.decision``.

    Args:
        decision: the settings.
        clock: gives the time.
    """

    def __init__(self, decision: Decision, clock: Clock = utc_now) -> None:
        self.rule: DecisionRule = rule_of(decision)
        self._decision, self._clock = decision, clock

    def payment_failed(self, values: Mapping[str, Any]) -> bool:
        """Whether the values of a customer show a failed payment, by the feature that the settings name."""
        value = values.get(self._decision.payment_failed) if self._decision.payment_failed else None
        return isinstance(value, bool | int | float) and value > 0

    def of_customer(self, store: Store, customer: str, *, worth: bool, payment_failed: bool = False) -> CustomerOffer:
        """The decision about one customer.

        Args:
            store: the store.
            customer: the customer ID.
            worth: whether an offer is worth it by their score now.
            payment_failed: whether a payment failed.

        Raises:
            StoreError: the store fails.
        """
        now, standing = self._clock(), self._standings(store, [customer]).get(customer)
        ruled = ruled_out(customer, standing, self.rule, now, payment_failed=payment_failed)
        known = campaigns(store)
        on_list, listed = self._listed(store, customer, any(one.state(now.date()) == "running" for one in known))
        decision = offer_now(ruled, listed, worth, self.rule)
        campaign_id = standing.campaign_id if decision.offer and standing is not None else None
        return CustomerOffer(decision, on_list, next((one for one in known if one.id == campaign_id), None))

    def campaign_of(self, store: Store, customer: str) -> Campaign | None:
        """The campaign of the arm that counts for a customer, whether or not they get its offer.

        Raises:
            StoreError: the store fails.
        """
        standing = self._standings(store, [customer]).get(customer)
        number = None if standing is None else standing.campaign_id
        return None if number is None else campaign_of(store, number)

    def now(self, store: Store, found: Sequence[Prediction]) -> list[Prediction]:
        """Published predictions with the action that holds now, and with why there is no offer.

        Raises:
            StoreError: the store fails.
        """
        at, recorded = self._clock(), self._standings(store, [one.customer for one in found])
        return [self._now(one, recorded.get(one.customer), at) for one in found]

    def _now(self, one: Prediction, standing: Standing | None, at: datetime) -> Prediction:
        listed = OfferDecision.of_list(one.action, one.why_not)
        decided = offer_now(
            ruled_out(one.customer, standing, self.rule, at), listed, one.expected_gain > 0.0, self.rule
        )
        return replace(one, action=action_of(decided.offer), why_not=decided.why_not)

    def _listed(self, store: Store, customer: str, campaigns_run: bool) -> tuple[bool | None, OfferDecision | None]:
        """Whether the newest list has the customer, and what it decided."""
        run = latest_run(store)
        if run is None or run.deleted_at is not None:
            return None, OfferDecision(False, "in_no_campaign") if campaigns_run else None
        found = next(iter(predictions(store, run.as_of, customer=customer)), None)
        listed = OfferDecision(False) if found is None else OfferDecision.of_list(found.action, found.why_not)
        return listed.offer, listed

    def _standings(self, store: Store, customers: Sequence[str]) -> Mapping[str, Standing]:
        now, longest = self._clock().astimezone(UTC), self.rule.fatigue.longest
        window = Window.at(now.date(), now, follow_days=self._decision.follow_days, contacts=longest)
        return standings(store, window, customers)


def why_not_json(why_not: str | None) -> dict[str, str | None]:
    """The reason why there is no offer, as a code and in words."""
    words = next((words for code, words in WHY_NOT.items() if code == why_not), None)
    return {"why_not": why_not, "why_not_words": words}


def offered_by(campaign: Campaign) -> dict[str, Any]:
    """The offer of a campaign as an agent needs it."""
    return {"id": campaign.id, "name": campaign.name, "offer": campaign.offer, "script": campaign.script}
