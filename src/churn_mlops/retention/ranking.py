"""The rank of a customer in the list and in the contact list: customers are ordered by score, the highest first.

The expected gain decides who is worth an offer, not the order. Customers who have left come last, whatever their score.

Scores and a rule go in, arrays come out: nothing here knows a model, a setting or a table.
Likely churners and the contact list are both the first so many customers by rank. A higher score never makes a
customer less likely to churn, nor less worth an offer.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from churn_mlops.retention.decision import DecisionRule
from churn_mlops.retention.economics import expected_gain

REASONS = 3
"""Most reasons of a customer in the list."""
EXPLAINED = 100
"""The list gives reasons for likely churners and the contact list, and at least for so many customers at the top."""
BEST_FIRST: Final = {"score": False, "customer": True}
"""Columns that Spark ranks by, and whether each ascends: as :func:`rank_customers`, and equal scores by customer."""
OWN_COLUMNS = frozenset({"rank", "score", "risk_band", "will_churn", "action", "expected_gain", "left"})
_CENT = 0.01


@dataclass(frozen=True)
class Decisions:
    """The decisions that follow from each score alone, each of shape (customers,).

    Args:
        risk_band: one of ``decision.RISK_BANDS``.
        will_churn: whether the score reaches the decision threshold.
        worth_an_offer: whether an offer is expected to gain more than it costs.
        expected_gain: of an offer, USD, rounded to cents; a cent at least for those worth an offer.
    """

    risk_band: npt.NDArray[np.str_]
    will_churn: npt.NDArray[np.bool_]
    worth_an_offer: npt.NDArray[np.bool_]
    expected_gain: npt.NDArray[np.float64]


@dataclass(frozen=True)
class ListTotals:
    """How many customers there are of each kind.

    Args:
        customers: all who were scored.
        likely: customers who reach the decision threshold.
        worth_an_offer: customers whose score alone is worth an offer.
        on_contact_list: customers worth an offer within the capacity.
    """

    customers: int
    likely: int
    worth_an_offer: int
    on_contact_list: int

    @classmethod
    def of(cls, customers: int, likely: int, worth_an_offer: int, rule: DecisionRule) -> ListTotals:
        """The totals of customers who were decided about by ``rule``."""
        return cls(customers, likely, worth_an_offer, rule.contacts(worth_an_offer))

    @property
    def explained(self) -> int:
        """How many customers at the top get reasons: all likely churners, the contact list, at least `EXPLAINED`."""
        return min(self.customers, max(self.likely, self.on_contact_list, EXPLAINED))


@dataclass(frozen=True)
class Ranking:
    """Customers, best first.

    Args:
        order: index of each customer in the scores that were given, shape (customers,).
        scores: churn probabilities, from the highest, then again of customers who have left.
        decisions: what follows from each score, in the same order.
        on_contact_list: whether each customer is on the contact list, in the same order.
        totals: how many there are of each kind.
        left: whether each customer has left already, in the same order.
    """

    order: npt.NDArray[np.intp]
    scores: npt.NDArray[np.float64]
    decisions: Decisions
    on_contact_list: npt.NDArray[np.bool_]
    totals: ListTotals
    left: npt.NDArray[np.bool_]

    @property
    def ranks(self) -> npt.NDArray[np.int64]:
        """Rank of each customer, from 1."""
        return np.arange(1, len(self.scores) + 1)


def decide(scores: npt.NDArray[np.float64], rule: DecisionRule) -> Decisions:
    """The decisions that follow from each score alone.

    Args:
        scores: churn probabilities, shape (customers,), each in [0, 1].
        rule: what decides.

    Raises:
        DataError: a score is not in [0, 1].
    """
    gain, worth = expected_gain(scores, rule.economics).round(2), rule.worth_an_offer(scores)
    shown = np.where(worth, np.maximum(gain, _CENT), gain)
    return Decisions(rule.risk_band(scores), rule.will_churn(scores), worth, shown)


def rank_customers(
    scores: npt.NDArray[np.float64], rule: DecisionRule, left: npt.NDArray[np.bool_] | None = None
) -> Ranking:
    """Put customers in order, and decide about each.

    Args:
        scores: churn probabilities, shape (customers,), each in [0, 1]; customers with equal scores keep their order.
        rule: what decides.
        left: whether each customer has left already, shape (customers,): they come last, are no likely churners and get
            no offer, which could keep no one. None where all are still there.

    Raises:
        DataError: a score is not in [0, 1].
    """
    gone = np.zeros(len(scores), dtype=bool) if left is None else left
    order = np.lexsort((-scores, gone))
    scores, gone = scores[order], gone[order]
    found = _of_active(decide(scores, rule), ~gone)
    on_contact_list = rule.on_contact_list(found.worth_an_offer, np.arange(1, len(scores) + 1))
    totals = ListTotals.of(len(scores), int(found.will_churn.sum()), int(found.worth_an_offer.sum()), rule)
    return Ranking(order, scores, found, on_contact_list, totals, gone)


def _of_active(found: Decisions, active: npt.NDArray[np.bool_]) -> Decisions:
    """``found`` where a customer is ``active``; nothing is gained from the others."""
    gain = np.where(active, found.expected_gain, 0.0)
    return Decisions(found.risk_band, found.will_churn & active, found.worth_an_offer & active, gain)


def customer_column(customer: str | None) -> str:
    """The column of customers in a list, by the contract's word for it; None where the contract has no such column."""
    # A company may call its customers by a word that the list needs for itself.
    return "customer" if customer in OWN_COLUMNS else customer or "row"
