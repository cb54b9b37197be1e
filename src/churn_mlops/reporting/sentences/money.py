"""What churn costs, and what a list earns."""

from __future__ import annotations

from churn_mlops.reporting.money import Money
from churn_mlops.reporting.number_text import between, percent, plural, rows_of, usd, whole
from churn_mlops.reporting.number_text import length as length_words
from churn_mlops.reporting.report_data import Report
from churn_mlops.reporting.sentences.ranks import set_aside_rate
from churn_mlops.reporting.sentences.subject import horizon

_OUTRUN = (
    " That is more customers in a year than there are: it holds only if new ones take their places as fast, and if the "
    "label looks no further ahead than horizon_days says."
)


def tells_a_year(report: Report, money: Money) -> bool:
    """Whether a month and a year can be told: not of a horizon that is only assumed, and surely longer."""
    return not (horizon(report) and money.outruns_the_customers)


def churn_costs(report: Report, money: Money) -> str:
    """What churn costs the company in a year."""
    if not tells_a_year(report, money):
        days = plural(report.subject.horizon_days, "day")
        return (
            f"Of {whole(money.customers)} customers, {percent(report.churn.value)} leave, but within how many days the "
            f"contract does not say. It is surely longer than a month: at so many in {days}, more than all would leave "
            "in a year. So nothing is told of a month or a year until the contract says horizon_days."
        )
    return (
        f"Of {whole(money.customers)} customers, {percent(money.rate.value)} leave in a month: about "
        f"{whole(money.leavers.value)}. At {usd(money.economics.value)} each, that is {usd(money.year_cost.value)} a "
        f"year ({between(money.year_cost, usd)}).{_OUTRUN if money.outruns_the_customers else ''}"
    )


def whole_list(report: Report, money: Money) -> str:
    """Why the list of all customers holds more or fewer would-be leavers than the share who leave makes of them."""
    counts = report.counts
    known = rows_of(counts.trained_on + counts.set_aside, counts.customers)
    days = plural(report.subject.horizon_days, "day")
    told = tells_a_year(report, money)
    month, in_month = ("the month above goes", " in a month") if told else ("what is said above goes", "")
    return (
        f"The table goes by the {rows_of(counts.set_aside, counts.set_aside_customers)} set aside, of whom "
        f"{percent(set_aside_rate(report))} left within {days}; {month} by all "
        f"{known} whose label is known, of whom {percent(report.churn.value)} "
        f"did. So the row of all customers need not hold as many would-be leavers as leave{in_month}."
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
