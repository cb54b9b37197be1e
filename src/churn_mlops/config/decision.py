"""The declaration of the settings of the decision about a customer."""

from __future__ import annotations

from typing import Any

from pydantic import field_validator, model_validator

from churn_mlops.config.sections import Section, listed, setting


class Decision(Section):
    """The rule for who counts as a churner, and who is worth an offer."""

    threshold: float = setting(0.5, "score from which `will_churn` is true", "probability", ge=0, le=1)
    medium_from: float = setting(0.2, "score from which the risk is medium", "probability", ge=0, le=1)
    high_from: float = setting(0.5, "score from which the risk is high", "probability", ge=0, le=1)
    customer_value: float = setting(500.0, "margin kept if a customer stays", "USD per customer", ge=0)
    offer_cost: float = setting(50.0, "cost of an offer, paid if it is taken", "USD per offer taken", ge=0)
    contact_cost: float = setting(1.0, "cost of a contact, paid in any case", "USD per contact", ge=0)
    kept_share: float = setting(0.2, "would-be churners that an offer keeps", "share of churners", ge=0, le=1)
    taken_and_left_share: float = setting(
        0.0, "would-be churners who take an offer and leave anyway", "share of churners", ge=0, le=1
    )
    taken_by_stayers_share: float = setting(
        1.0, "retained customers who take an offer; 1 is the cautious choice", "share of retained customers", ge=0, le=1
    )
    capacity: int | None = setting(None, "most contacts of one run; null means no limit", "customers", ge=0)
    campaign_key: str = setting(
        "churn",
        "key of the draw that gives each customer of a campaign their arm; keep it, so that a draw can be replayed",
        min_length=1,
        secret=True,
    )
    follow_days: int = setting(
        90, "time that a customer of a campaign keeps their arm after it ended", "days", ge=0, le=3650
    )
    contact_limit: int | None = setting(
        3, "most contacts with one customer in `contact_days`; null means no limit", "contacts", ge=1
    )
    contact_days: int = setting(
        30, "time over which contacts count, and in which a dismissal keeps a customer off the list", "days", ge=1
    )
    offer_days: int = setting(
        365, "time until a customer is made the next offer; 0 means no wait", "days", ge=0, le=3650
    )
    never_contacted: tuple[str, ...] = setting(
        (), "IDs of customers who get no offer, such as staff and test accounts; commas between"
    )
    payment_failed: str | None = setting(
        None, "feature that is above 0, or true, where a payment failed: a dunning case, which gets no offer"
    )

    @field_validator("never_contacted", mode="before")
    @classmethod
    def _ids_as_list(cls, value: Any) -> Any:
        """The environment holds texts only; YAML reads an ID of digits as a number."""
        found = listed(value, "customer IDs are a list, such as [C000001, C000002]")
        return [str(one) if isinstance(one, int) and not isinstance(one, bool) else one for one in found]

    @model_validator(mode="after")
    def _makes_sense(self) -> Decision:
        if self.medium_from > self.high_from:
            raise ValueError("`medium_from` is above `high_from`")
        if self.kept_share + self.taken_and_left_share > 1:
            raise ValueError("`kept_share` and `taken_and_left_share` are together above 1")
        return self

    @property
    def default_amounts(self) -> tuple[str, ...]:
        """The amounts of money that no one set: their defaults are not those of the company."""
        return tuple(name for name in ("customer_value", "offer_cost") if name not in self.model_fields_set)

    def fatigue(self) -> dict[str, Any]:
        """How often a customer may be contacted, as the arguments of ``retention.fatigue.FatigueRule``."""
        return {"contact_limit": self.contact_limit, "contact_days": self.contact_days, "offer_days": self.offer_days}

    def limits(self) -> dict[str, Any]:
        """The other arguments of ``retention.DecisionRule``."""
        return {
            "threshold": self.threshold,
            "medium_from": self.medium_from,
            "high_from": self.high_from,
            "capacity": self.capacity,
            "never_contacted": frozenset(self.never_contacted),
        }

    def economics(self) -> dict[str, float]:
        """The economics of an offer, as the arguments of ``retention.Economics``."""
        return {
            "value": self.customer_value,
            "offer_cost": self.offer_cost,
            "contact_cost": self.contact_cost,
            "kept_share": self.kept_share,
            "taken_and_left_share": self.taken_and_left_share,
            "taken_by_stayers_share": self.taken_by_stayers_share,
        }
