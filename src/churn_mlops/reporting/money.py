"""The economics of a report: what churn costs, and what a list of each length would earn net of offers.

The facts hold counts; the money is worked out from the settings of today, so changing them needs no training.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from churn_mlops.reporting.report_data import Figure, Length, Report
from churn_mlops.retention.economics import Economics

MONTH_DAYS = 30
MONTHS = 12


@dataclass(frozen=True)
class ListMoney:
    """The money from contacting the best ``share`` of the customers.

    Args:
        share: of the customers.
        contacts: customers on the list.
        churners: would-be churners among them, as observed on the test set.
        kept: churners kept, if an offer keeps the assumed share.
        cost: USD for contacts and offers.
        net: USD earned net of offers, as observed on the test set.
        expected: USD earned net of offers, as the scores expect.
    """

    share: float
    contacts: float
    churners: Figure
    kept: float
    cost: float
    net: Figure
    expected: float


@dataclass(frozen=True)
class Money:
    """The economics of a company.

    Args:
        customers: active customers.
        economics: what customers and offers cost and bring.
        capacity: most contacts of one list, None without limit.
        rate: share of the customers who leave in a month of 30 days.
        churners: customers who leave in a month.
        year_cost: USD that they take away in a year.
        lists: of each length, the shortest first.
        best: the list whose length the scores expect to earn most, None where none is expected to earn anything.
        defaults: amounts of `decision` that no one set, by their names.
    """

    customers: int
    economics: Economics
    capacity: int | None
    rate: Figure
    churners: Figure
    year_cost: Figure
    lists: tuple[ListMoney, ...]
    best: ListMoney | None
    defaults: tuple[str, ...] = ()

    @property
    def outruns_the_customers(self) -> bool:
        """Whether a year at this rate would take more customers than there are."""
        return self.rate.value * MONTHS > 1

    def nearest(self, share: float) -> ListMoney:
        """The list whose length comes nearest to ``share`` of the customers."""
        return min(self.lists, key=lambda entry: abs(entry.share - share))


def money_of(
    report: Report,
    economics: Economics,
    *,
    customers: int | None = None,
    capacity: int | None = None,
    defaults: Sequence[str] = (),
) -> Money:
    """The economics of the company that ``report`` is about.

    The best length is chosen by the scores alone and valued by what was observed at it: choosing the best of the
    observed values would flatter the list.

    Args:
        report: the facts.
        economics: what customers and offers cost and bring.
        customers: active customers; those of the source who are still there when left out.
        capacity: most contacts of one list.
        defaults: amounts of `decision` that no one set, by their names.
    """
    count = report.counts.active if customers is None else customers
    rate = _mapped(report.churn, lambda share: monthly(share, report.subject.horizon_days))
    churners = _mapped(rate, lambda share: count * share)
    lists = tuple(_list_money(length, economics, count) for length in report.lengths)
    within = [entry for entry in lists if capacity is None or entry.contacts <= capacity]
    best = max(within, key=lambda entry: entry.expected, default=None)
    return Money(
        customers=count,
        economics=economics,
        capacity=capacity,
        rate=rate,
        churners=churners,
        year_cost=_mapped(churners, lambda number: year_cost(number, economics.value)),
        lists=lists,
        best=best if best is not None and best.expected > 0 else None,
        defaults=tuple(defaults),
    )


def monthly(share: float, horizon_days: int) -> float:
    """Share leaving in 30 days where ``share`` leave in ``horizon_days``, at the same risk every day."""
    return float(1 - (1 - share) ** (MONTH_DAYS / horizon_days))


def year_cost(churners: float, value: float) -> float:
    """USD lost in a year by ``churners`` a month, each worth ``value``, where new customers take their places."""
    return churners * MONTHS * value


def _list_money(length: Length, economics: Economics, customers: int) -> ListMoney:
    contacts = length.share * customers

    def net(churners: float) -> float:
        return (
            churners * customers * economics.gain_from_leaver
            - (contacts - churners * customers) * economics.cost_of_stayer
        )

    ends = sorted((net(length.churners.low), net(length.churners.high)))
    left = length.churners.value * customers
    takes = (economics.kept_share + economics.taken_and_left_share) * left
    takes += economics.taken_by_stayers_share * (contacts - left)
    return ListMoney(
        share=length.share,
        contacts=contacts,
        churners=_mapped(length.churners, lambda number: number * customers),
        kept=economics.kept_share * left,
        cost=takes * economics.offer_cost + contacts * economics.contact_cost,
        net=Figure(value=net(length.churners.value), low=ends[0], high=ends[1]),
        expected=net(length.expected),
    )


def _mapped(figure: Figure, change: Callable[[float], float]) -> Figure:
    return Figure(value=change(figure.value), low=change(figure.low), high=change(figure.high))
