"""What churn costs, and what a list earns."""

from __future__ import annotations

from churn_mlops.reporting.facts import Report
from churn_mlops.reporting.money import Money
from churn_mlops.reporting.sentences.ranks import set_aside_rate
from churn_mlops.reporting.words import between, percent, plural, rows_of, usd, whole
from churn_mlops.reporting.words import length as length_words


def churn_costs(report: Report, money: Money) -> str:
    """What churn costs the company in a year."""
    return (
        f"Of {whole(money.customers)} customers, {percent(money.rate.value)} leave in a month: about "
        f"{whole(money.leavers.value)}. At {usd(money.economics.value)} each, that is {usd(money.year_cost.value)} a "
        f"year ({between(money.year_cost, usd)})."
    )


def whole_list(report: Report) -> str:
    """Why the list of all customers holds more or fewer would-be leavers than leave in a month."""
    counts = report.counts
    known = rows_of(counts.trained_on + counts.set_aside, counts.customers)
    days = plural(report.subject.horizon_days, "day")
    return (
        f"The table goes by the {rows_of(counts.set_aside, counts.set_aside_customers)} set aside, of whom "
        f"{percent(set_aside_rate(report))} left within {days}; the month above goes by all "
        f"{known} whose label is known, of whom {percent(report.churn.value)} "
        "did. So the row of all customers need not hold as many would-be leavers as leave in a month."
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
