"""The cost of churn, and the earnings of a list."""

from __future__ import annotations

from churn_mlops.reporting.money import Money
from churn_mlops.reporting.number_text import between, listed, percent, plural, rows_of, usd, whole
from churn_mlops.reporting.number_text import length as length_words
from churn_mlops.reporting.report_data import Report
from churn_mlops.reporting.sentences.ranks import test_set_rate
from churn_mlops.reporting.sentences.subject import horizon

_OUTRUN = (
    " That is more customers in a year than there are: it holds only if new ones take their places as fast, and if the "
    "label looks no further ahead than horizon_days says."
)


def states_a_year(report: Report, money: Money) -> bool:
    """Whether figures per month and year are possible: not if the horizon is only assumed, and surely longer."""
    return not (horizon(report) and money.outruns_the_customers)


def churn_costs(report: Report, money: Money) -> str:
    """The cost of churn to the company in a year."""
    if not states_a_year(report, money):
        days = plural(report.subject.horizon_days, "day")
        return (
            f"{percent(report.churn.value)} of the {whole(money.customers)} customers leave, but the contract does not "
            f"say within how many days. It is surely longer than a month: at so many in {days}, more than all would "
            "leave in a year. There are no figures per month or year until the contract says horizon_days."
        )
    outrun = _OUTRUN if money.outruns_the_customers else ""
    return (
        f"{percent(money.rate.value)} of the {whole(money.customers)} customers leave in a month: about "
        f"{whole(money.churners.value)}. At {usd(money.economics.value)} each{_if_default(money)}, that is "
        f"{usd(money.year_cost.value)} a year ({between(money.year_cost, usd)}).{outrun}"
    )


def whole_list(report: Report, money: Money) -> str:
    """Why the list of all customers holds more or fewer would-be churners than the share who leave makes of them."""
    counts = report.counts
    known = rows_of(counts.trained_on + counts.set_aside, counts.customers)
    days = plural(report.subject.horizon_days, "day")
    yearly = states_a_year(report, money)
    month, in_month = ("the month above goes", " in a month") if yearly else ("the text above goes", "")
    return (
        f"The table goes by the test set ({rows_of(counts.set_aside, counts.set_aside_customers)}): "
        f"{percent(test_set_rate(report))} left within {days}. By contrast, {month} by all "
        f"{known} with a known label: {percent(report.churn.value)} left. So the row of all customers "
        f"need not hold as many would-be churners as leave{in_month}."
    )


def list_earns(money: Money) -> str:
    """The earnings of the best list."""
    kept, given = percent(money.economics.kept_share), " (defaults, not set by you)" if money.defaults else ""
    best = money.best
    if best is None:
        return (
            f"With these settings{given} no list of {length_words(money.lists[0].share)} of the customers or more is "
            f"expected to earn anything: its offers would cost more than they bring, if an offer keeps {kept} of "
            "would-be churners."
        )
    doubt = "" if best.net.low > 0 else " The interval includes a loss: so few left that this is not certain."
    return (
        f"An offer to the {whole(best.contacts)} customers on top ({length_words(best.share)}) would earn "
        f"{usd(best.net.value)} net of offers ({between(best.net, usd)}) with these settings{given}, if an offer "
        f"keeps {kept} of would-be churners. That share is assumed until it is measured.{doubt}"
    )


def defaults(money: Money) -> str:
    """The amounts that are defaults of the program, and not the company's own; blank where there is none."""
    if not money.defaults:
        return ""
    shown = {
        "customer_value": f"a customer who stays is worth {usd(money.economics.value)}",
        "offer_cost": f"an offer costs {usd(money.economics.offer_cost)}",
    }
    names = listed([f"decision.{name}" for name in money.defaults])
    amounts = listed([shown[name] for name in money.defaults])
    return f"Defaults, not set by you: {amounts}. All money on this page follows from them: set {names}."


def _if_default(money: Money) -> str:
    return " (a default, not set by you)" if "customer_value" in money.defaults else ""
