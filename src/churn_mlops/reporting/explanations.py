"""The meaning of reasons and settings, for readers who do not know them."""

from __future__ import annotations

from churn_mlops.reporting.money import Money
from churn_mlops.reporting.number_text import percent, usd, whole

UNSEEN = {
    "identifier": "identifies customers, and says nothing about others",
    "constant": "the same for all customers",
    "empty": "empty",
    "suspected_leak": "suspected to be known only after a customer left",
    "date": "a date, which means nothing by itself",
    "type": "a type that is no number, flag or category",
    "free_text": "free text",
    "many_levels": "too many different values",
    "duplicate": "says the same as another column",
    "by_choice": "left out by choice",
}
TYPES = {"number": "number", "boolean": "yes or no", "category": "category"}


def one_digit(value: float) -> str:
    """A ratio with one digit."""
    return f"{value:.1f}"


def of_100(value: float) -> str:
    """A ratio as a number out of 100."""
    return f"{100 * value:.0f}"


def unseen(reason: str) -> str:
    """Why a column is excluded."""
    return UNSEEN.get(reason, reason.replace("_", " "))


def assumptions(money: Money) -> list[tuple[str, str, str]]:
    """The assumptions behind the money: in words, as a value, and the setting to change."""
    economics, given = money.economics, {name: " (default)" for name in money.defaults}
    return [
        ("Active customers", whole(money.customers), "the customers of the source who are still there, or --customers"),
        (
            "A customer who stays is worth",
            usd(economics.value) + given.get("customer_value", ""),
            "decision.customer_value",
        ),
        ("An offer costs, if taken", usd(economics.offer_cost) + given.get("offer_cost", ""), "decision.offer_cost"),
        ("A contact costs", usd(economics.contact_cost), "decision.contact_cost"),
        ("Would-be churners that an offer keeps", percent(economics.kept_share), "decision.kept_share"),
        (
            "Would-be churners who take it and leave",
            percent(economics.taken_and_left_share),
            "decision.taken_and_left_share",
        ),
        (
            "Retained customers who take it anyway",
            percent(economics.taken_by_stayers_share),
            "decision.taken_by_stayers_share",
        ),
        (
            "Most contacts of one list",
            "no limit" if money.capacity is None else whole(money.capacity),
            "decision.capacity",
        ),
    ]
