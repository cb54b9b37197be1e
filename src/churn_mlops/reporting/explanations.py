"""What metrics, reasons and settings mean, in the words of somebody who does not know them."""

from __future__ import annotations

from churn_mlops.reporting.money import Money
from churn_mlops.reporting.number_text import percent, usd, whole

METRICS = {
    "log_loss": ("Log loss", "how far scores are from what happened; lower is better, and models are chosen by it"),
    "auc": ("AUC", "how often a leaver has a higher score than a stayer; 0.5 is a coin, 1 is perfect"),
    "pr_auc": ("PR AUC", "mean share of leavers among those named, over all lengths of the list"),
    "lift_top_decile": ("Lift in the top tenth", "how many times as frequent leavers are there as on average"),
    "calibration_slope": ("Calibration slope", "1 is right; below 1, high scores are too high and low ones too low"),
    "observed_over_expected": ("Observed over expected", "leavers for each leaver that the scores expect; 1 is right"),
    "observed_over_expected_top_decile": ("The same, top tenth", "whether the highest scores hold; 1 is right"),
    "empc": ("Expected maximum profit", "a fixed yardstick for models (EMPC), not the money of this company"),
}
UNSEEN = {
    "identifier": "tells customers apart, and says nothing about others",
    "constant": "the same for everybody",
    "empty": "empty",
    "suspected_leak": "suspected to be known only after a customer left",
    "date": "a date, which means nothing by itself",
    "free_text": "free text",
    "many_levels": "too many different values",
    "duplicate": "says the same as another column",
    "by_choice": "left out by choice",
}
TYPES = {"number": "number", "boolean": "yes or no", "category": "category"}


def metric(name: str, value: float) -> str:
    """A metric's value as it is usually written."""
    digits = {"log_loss": 4, "auc": 3, "pr_auc": 3}.get(name, 2)
    return f"{value:.{digits}f}"


def one_digit(value: float) -> str:
    """A ratio with one digit."""
    return f"{value:.1f}"


def of_100(value: float) -> str:
    """A ratio as a number out of 100."""
    return f"{100 * value:.0f}"


def unseen(reason: str) -> str:
    """Why a column was set aside."""
    return UNSEEN.get(reason, reason.replace("_", " "))


def assumptions(money: Money) -> list[tuple[str, str, str]]:
    """What the money rests on: in words, as a value, and the setting to change."""
    economics = money.economics
    return [
        ("Active customers", whole(money.customers), "the customers of the source, or --customers"),
        ("A customer who stays is worth", usd(economics.value), "decision.customer_value"),
        ("An offer costs, if taken", usd(economics.offer_cost), "decision.offer_cost"),
        ("A contact costs", usd(economics.contact_cost), "decision.contact_cost"),
        ("Would-be leavers whom an offer keeps", percent(economics.kept_share), "decision.kept_share"),
        (
            "Would-be leavers who take it and leave",
            percent(economics.taken_and_left_share),
            "decision.taken_and_left_share",
        ),
        (
            "Stayers who take it all the same",
            percent(economics.taken_by_stayers_share),
            "decision.taken_by_stayers_share",
        ),
        (
            "Most contacts of one list",
            "no limit" if money.capacity is None else whole(money.capacity),
            "decision.capacity",
        ),
    ]
