"""What churn costs, and what a list earns."""

from __future__ import annotations

from churn_mlops.reporting.facts import Report
from churn_mlops.reporting.money import Money
from churn_mlops.reporting.words import between, percent, usd, whole
from churn_mlops.reporting.words import length as length_words


def churn_costs(report: Report, money: Money) -> str:
    """What churn costs the company in a year."""
    return (
        f"Of {whole(money.customers)} customers, {percent(money.rate.value)} leave in a month: about "
        f"{whole(money.leavers.value)}. At {usd(money.economics.value)} each, that is {usd(money.year_cost.value)} a "
        f"year ({between(money.year_cost, usd)})."
    )


def list_earns(money: Money) -> str:
    """What the best list would earn."""
    kept = percent(money.economics.kept_share)
    best = money.best
    if best is None:
        return (
            f"With these settings no list of {length_words(money.lists[0].share)} of the customers or more is expected "
            f"to earn anything: its offers would cost more than they bring, if an offer keeps {kept} of would-be "
            "leavers."
        )
    doubt = "" if best.net.low > 0 else " The interval includes a loss: so few left that this is not certain."
    return (
        f"An offer to the {whole(best.contacts)} customers on top ({length_words(best.share)}) would earn "
        f"{usd(best.net.value)} net of offers ({between(best.net, usd)}), if an offer keeps {kept} of would-be "
        f"leavers. That share is assumed until it is measured.{doubt}"
    )
