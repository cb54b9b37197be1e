"""The money that lists earn less than when the model was new: what a model that grew worse costs.

The list of a date holds the customers who are worth an offer by their scores, within the capacity. Its gain follows
from the labels of untreated customers: each churner on it adds what the settings of the decision expect of a would-be
churner, each retained customer takes off the cost of an offer (:mod:`churn_mlops.retention.economics`).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from churn_mlops.monitoring.accuracy import FEWEST, GROUPS, ScoredRows, customer_groups
from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.weighted_metrics import Floats, Ranked

DAYS_OF_A_MONTH = 365.25 / 12
ACT_SHARE = 0.05
"""Share of the first gain whose loss asks for something, where the interval excludes that nothing is lost."""
_WAIT = "Wait: this needs final labels of lists that this model made, from two times."


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
    most: int | None
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


def money_lost(then: Sequence[ScoredRows], now: Sequence[ScoredRows], terms: ListTerms) -> list[Measurement]:
    """The gain of a month's lists when the model was new and now, and what is lost between them, by final labels.

    The 95 % intervals leave out one of 30 groups of customers at a time, on all dates; who is on a list stays.

    Args:
        then: of each of the first dates of the model.
        now: of each of the newest dates.
        terms: by which a list earns.

    Returns:
        the figures ``list_gain_then``, ``list_gain`` and ``money_lost``, in the currency of the settings, per month.
    """
    before, after = [rows.final for rows in then], [rows.final for rows in now]
    numbers = [rows.customers for rows in (*before, *after)]
    groups = customer_groups(np.concatenate(numbers)) if numbers else np.zeros(0, dtype=np.int64)
    firsts = sum(len(rows.customers) for rows in before)
    gain_then = _Gain.of(before, groups[:firsts], terms) if _is_enough(before) else None
    gain = _Gain.of(after, groups[firsts:], terms) if _is_enough(after) else None
    found = [_gain("list_gain_then", "", gain_then), _gain("list_gain", "", gain)]
    if gain_then is None or gain is None:
        return [*found, too_little("money_lost", "", _WAIT)]
    lost = _Gain(gain_then.value - gain.value, gain_then.without - gain.without)
    return [*found, _lost("", lost.value, lost.half, gain.value, gain_then.value)]


def expected_money_lost(
    then: float | None, low: float | None, rows: ScoredRows, terms: ListTerms, part: str
) -> list[Measurement]:
    """The same where labels are not final: each customer counts as a churner by as much as their score.

    It shows a change of the customers, not a change of why they leave.

    Args:
        then: ``list_gain_then`` of :func:`money_lost`, None where it is not known.
        low: the lower end of its interval.
        rows: of the newest date; labels are not read.
        terms: by which a list earns.
        part: the as-of date.

    Returns:
        the figures ``list_gain`` and ``money_lost``.
    """
    expected = replace(rows, churned=rows.scores)
    gain = _Gain.of([expected], customer_groups(rows.customers), terms) if _is_enough([expected]) else None
    found = _gain("list_gain", part, gain, is_final=False)
    if gain is None or then is None or low is None:
        return [found, too_little("money_lost", part, _WAIT, is_final=False)]
    half = math.hypot(then - low, gain.half)  # as if of other customers, which is cautious
    return [found, _lost(part, then - gain.value, half, gain.value, then, is_final=False)]


@dataclass(frozen=True)
class _Gain:
    """Money of a month, and the same without each group of customers, of shape (groups,)."""

    value: float
    without: Floats

    @classmethod
    def of(cls, dates: Sequence[ScoredRows], groups: npt.NDArray[np.int64], terms: ListTerms) -> _Gain:
        gains = np.concatenate([_gains(rows, terms) for rows in dates])
        weights = np.concatenate([rows.weights for rows in dates])
        by_group, weight_of = (np.bincount(groups, values, GROUPS) for values in (gains, weights))
        without = (by_group.sum() - by_group) / (weight_of.sum() - weight_of)
        return cls(terms.monthly * float(gains.sum() / weights.sum()), terms.monthly * without)

    @property
    def half(self) -> float:
        """Half the width of the interval, by the jackknife."""
        squares = float(((self.without - self.without.mean()) ** 2).sum())
        return float(student.ppf(0.975, GROUPS - 1)) * math.sqrt((GROUPS - 1) / GROUPS * squares)


def _is_enough(dates: Sequence[ScoredRows]) -> bool:
    churners = sum(float(rows.churned.sum()) for rows in dates)
    return min(churners, sum(len(rows.churned) for rows in dates) - churners) >= FEWEST


def _gains(rows: ScoredRows, terms: ListTerms) -> Floats:
    """The gain of each row of one date, 0 where the customer is not on the list; in the order of the rows."""
    order = np.argsort(rows.scores, kind="stable")
    ranked = Ranked(rows.churned[order], rows.scores[order], rows.weights[order])
    worth = float(ranked.weights[terms.gains(ranked.scores) > 0].sum())
    listed = ranked.top_of(min(worth, terms.reach * float(ranked.weights.sum())))
    gains = np.empty(len(order))
    gains[order] = listed * terms.gains(ranked.y)
    return gains


def _gain(name: str, part: str, gain: _Gain | None, *, is_final: bool = True) -> Measurement:
    if gain is None:
        return too_little(name, part, _WAIT, is_final=is_final)
    ends = gain.value - gain.half, gain.value + gain.half
    step = "Nothing to do: the loss is measured by it."
    return Measurement(name, part, gain.value, *ends, None, None, "good", step, is_final)


def _lost(part: str, lost: float, half: float, gain: float, then: float, *, is_final: bool = True) -> Measurement:
    status: Status = "good" if lost <= half else "act" if lost >= ACT_SHARE * abs(then) else "watch"
    step = {
        "good": "Nothing to do: the lists earn what they did when the model was new.",
        "watch": "Look which features and which groups changed: the lists earn less than when the model was new.",
        "act": "Train again, or go back to the version before: the lists earn less than when the model was new.",
    }[status]
    return Measurement("money_lost", part, lost, lost - half, lost + half, gain, then, status, step, is_final)
