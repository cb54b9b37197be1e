"""The list of a date: who is on it, and by which terms it earns.

It holds the customers who are worth an offer by their scores, within the capacity. Its gain follows from the labels of
untreated customers: each churner on it adds what the settings of the decision expect of a would-be churner, each
retained customer takes off the cost of an offer (:mod:`churn_mlops.retention.economics`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from churn_mlops.monitoring.accuracy import FEWEST, GROUPS, ScoredRows
from churn_mlops.monitoring.weighted_metrics import Floats, Ranked

DAYS_OF_A_MONTH = 365.25 / 12


@dataclass(frozen=True)
class ListTerms:
    """The terms by which a list earns.

    Args:
        churner: gained, on average, by a contact with a would-be churner.
        retained: lost, on average, by a contact with a would-be retained customer; at least 0.
        most: most contacts within one horizon of the label, None means no limit.
        horizon_days: the horizon of the label.
        customers: how many there are now, above 0. The gain is stated for all of them, on every date, so a list reaches
            the share ``most`` / ``customers`` of the customers of its date.
    """

    churner: float
    retained: float
    most: float | None
    horizon_days: int
    customers: int

    def gains(self, churned: Floats) -> Floats:
        """The gain of a contact with each customer; ``churned`` is 1, 0, or the probability."""
        return np.asarray(churned * self.churner - (1 - churned) * self.retained)

    @property
    def reach(self) -> float:
        """The largest share of the customers on a list."""
        return 1.0 if self.most is None else self.most / self.customers

    @property
    def monthly(self) -> float:
        """By how much the gain of one customer within the horizon is multiplied."""
        return self.customers * DAYS_OF_A_MONTH / self.horizon_days


@dataclass(frozen=True)
class MonthlyGain:
    """Money of a month, and the same without each group of customers, of shape (groups,)."""

    value: float
    without: Floats

    @classmethod
    def of_lists(cls, dates: Sequence[ScoredRows], groups: npt.NDArray[np.int64], terms: ListTerms) -> MonthlyGain:
        """The gain of the lists of some dates by their labels; ``groups`` holds the group of each row."""
        gains = [listed_weights(rows, terms) * terms.gains(rows.churned) for rows in dates]
        return cls.of(np.concatenate(gains), np.concatenate([rows.weights for rows in dates]), groups, terms)

    @classmethod
    def of(cls, gains: Floats, weights: Floats, groups: npt.NDArray[np.int64], terms: ListTerms) -> MonthlyGain:
        """The mean of the gains of rows, stated for all customers and a month."""
        by_group, weight_of = (np.bincount(groups, values, GROUPS) for values in (gains, weights))
        without = (by_group.sum() - by_group) / (weight_of.sum() - weight_of)
        return cls(terms.monthly * float(gains.sum() / weights.sum()), terms.monthly * without)

    @property
    def half(self) -> float:
        """Half the width of the interval, by the jackknife."""
        squares = float(((self.without - self.without.mean()) ** 2).sum())
        return float(student.ppf(0.975, GROUPS - 1)) * math.sqrt((GROUPS - 1) / GROUPS * squares)


def listed_weights(rows: ScoredRows, terms: ListTerms, most: float | None = None) -> Floats:
    """The weight with which each row of one date is on the list, in the order of the rows.

    Args:
        rows: of the date; labels are not read.
        terms: say who is worth an offer, and how many are reached.
        most: the weight that is on the list; None lists the customers who are worth an offer.
    """
    if most is None:
        worth = np.where(terms.gains(rows.scores) > 0, rows.weights, 0.0)
        most = terms.reach * float(rows.weights.sum())
        if worth.sum() <= most:
            return worth
    order = np.argsort(rows.scores, kind="stable")
    ranked = Ranked(rows.churned[order], rows.scores[order], rows.weights[order])
    listed = np.empty(len(order))
    listed[order] = ranked.top_of(most)
    return listed


def share_of_list(scores: Floats, chosen: npt.NDArray[np.bool_], terms: ListTerms) -> float:
    """The share of the list of one date that some customers hold, in [0, 1]; 0 where no one is on the list.

    Args:
        scores: of all customers of the date, shape (rows,).
        chosen: which customers are meant.
        terms: say who is on the list.
    """
    none = np.zeros(len(scores))
    listed = listed_weights(ScoredRows(none.astype(np.int64), scores, none, np.ones(len(scores))), terms)
    return float(listed[chosen].sum() / listed.sum()) if listed.any() else 0.0


def is_enough(dates: Sequence[ScoredRows]) -> bool:
    """Whether there are churners and retained customers enough for a figure of money."""
    churners = sum(float(rows.churned.sum()) for rows in dates)
    return min(churners, sum(len(rows.churned) for rows in dates) - churners) >= FEWEST
