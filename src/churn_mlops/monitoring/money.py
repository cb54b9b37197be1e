"""The money that lists earn, and how it compares: with what a score expects, and with the list of another model.

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
_WAIT_FOR_CHURNERS = (
    f"Wait: this needs {FEWEST} customers who left after both models had scored them, and a control group where the "
    "customers of the list get offers."
)
MEASURED_BY = "Nothing to do: the loss is measured by it."
WAIT = "Wait: this needs final labels of lists that this model made, from two times."


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


def expected_money_lost(
    then: float | None, low: float | None, rows: ScoredRows, terms: ListTerms, part: str
) -> list[Measurement]:
    """What a month's lists would earn less by the scores: each customer counts as a churner by as much as their score.

    It shows a change of the customers, not a change of why they leave.

    Args:
        then: ``list_gain_then`` of :func:`~churn_mlops.monitoring.list_gain.money_lost`, None where it is not known.
        low: the lower end of its interval.
        rows: of the newest date; labels are not read.
        terms: by which a list earns.
        part: the as-of date.

    Returns:
        the figures ``list_gain`` and ``money_lost``.
    """
    expected = replace(rows, churned=rows.scores)
    gain = _Gain.of_lists([expected], customer_groups(rows.customers), terms) if is_enough([expected]) else None
    if gain is None:
        return [too_little(name, part, WAIT, is_final=False) for name in ("list_gain", "money_lost")]
    ends = gain.value - gain.half, gain.value + gain.half
    found = Measurement("list_gain", part, gain.value, *ends, None, None, "good", MEASURED_BY, is_final=False)
    if then is None or low is None:
        return [found, too_little("money_lost", part, WAIT, is_final=False)]
    half = math.hypot(then - low, gain.half)  # as if of other customers, which is cautious
    return [found, loss(part, then - gain.value, half, gain.value, then, is_final=False)]


@dataclass(frozen=True)
class PairedRows:
    """The scores of two models for the same customers on one date.

    Args:
        live: the scores of the live model, and the labels; a customer who has not left so far counts as retained.
        shadow: the scores of the other model, shape (rows,).
        share: the share of the horizon that is over, in (0, 1]; 1 where the labels are final.
    """

    live: ScoredRows
    shadow: Floats
    share: float = 1.0


def shadow_gain(part: str, dates: Sequence[PairedRows], terms: ListTerms) -> Measurement:
    """How much more a month's lists of the model in the shadow would earn than those of the live model.

    Before labels are final both lists have the same length, and a customer who left within a share of the horizon
    counts for one over that share: so many are expected to leave over the whole of it. The 95 % interval leaves out one
    of 30 groups of customers at a time; it is narrow, because both lists are of the same customers.

    Args:
        part: the version of the model in the shadow.
        dates: of both models; rows without a label are left out by the caller, and of a date there may be none.
        terms: by which a list earns.

    Returns:
        the figure ``shadow_gain``, in the currency of the settings, per month; above it the gain of the shadow, below
        it that of the live model.
    """
    dates = [one for one in dates if len(one.live.scores)]
    if not is_enough([one.live for one in dates]):
        return too_little("shadow_gain", part, _WAIT_FOR_CHURNERS, is_final=False)
    gains = [_both(one, terms) for one in dates]
    weights = np.concatenate([one.live.weights for one in dates])
    groups = customer_groups(np.concatenate([one.live.customers for one in dates]))
    live, shadow = (
        _Gain.of(np.concatenate([both[place] for both in gains]), weights, groups, terms) for place in (0, 1)
    )
    more = _Gain(shadow.value - live.value, shadow.without - live.without)
    low, high = more.value - more.half, more.value + more.half
    status: Status = "watch" if low > 0 else "good"
    step = {
        "good": "Nothing to do: the live model earns no less than the other, as far as chance lets one see.",
        "watch": "Nothing to do: the review after each daily run makes the better model live once it is sure.",
    }[status]
    final = all(one.share == 1 for one in dates)
    return Measurement("shadow_gain", part, more.value, low, high, shadow.value, live.value, status, step, final)


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


def _both(pair: PairedRows, terms: ListTerms) -> tuple[Floats, Floats]:
    """The gain of each row by the list of the live model, and by that of the shadow."""
    gains = terms.gains(pair.live.churned / pair.share)
    listed = listed_weights(pair.live, terms)
    other = replace(pair.live, scores=pair.shadow)
    return listed * gains, listed_weights(other, terms, None if pair.share == 1 else float(listed.sum())) * gains


@dataclass(frozen=True)
class _Gain:
    """Money of a month, and the same without each group of customers, of shape (groups,)."""

    value: float
    without: Floats

    @classmethod
    def of_lists(cls, dates: Sequence[ScoredRows], groups: npt.NDArray[np.int64], terms: ListTerms) -> _Gain:
        gains = [listed_weights(rows, terms) * terms.gains(rows.churned) for rows in dates]
        return cls.of(np.concatenate(gains), np.concatenate([rows.weights for rows in dates]), groups, terms)

    @classmethod
    def of(cls, gains: Floats, weights: Floats, groups: npt.NDArray[np.int64], terms: ListTerms) -> _Gain:
        by_group, weight_of = (np.bincount(groups, values, GROUPS) for values in (gains, weights))
        without = (by_group.sum() - by_group) / (weight_of.sum() - weight_of)
        return cls(terms.monthly * float(gains.sum() / weights.sum()), terms.monthly * without)

    @property
    def half(self) -> float:
        """Half the width of the interval, by the jackknife."""
        squares = float(((self.without - self.without.mean()) ** 2).sum())
        return float(student.ppf(0.975, GROUPS - 1)) * math.sqrt((GROUPS - 1) / GROUPS * squares)


def is_enough(dates: Sequence[ScoredRows]) -> bool:
    """Whether there are churners and retained customers enough for a figure of money."""
    churners = sum(float(rows.churned.sum()) for rows in dates)
    return min(churners, sum(len(rows.churned) for rows in dates) - churners) >= FEWEST


def listed_weights(rows: ScoredRows, terms: ListTerms, most: float | None = None) -> Floats:
    """The weight with which each row of one date is on the list, in the order of the rows.

    Args:
        rows: of the date; labels are not read.
        terms: say who is worth an offer, and how many are reached.
        most: the weight that is on the list; None lists the customers who are worth an offer.
    """
    order = np.argsort(rows.scores, kind="stable")
    ranked = Ranked(rows.churned[order], rows.scores[order], rows.weights[order])
    if most is None:
        worth = float(ranked.weights[terms.gains(ranked.scores) > 0].sum())
        most = min(worth, terms.reach * float(ranked.weights.sum()))
    listed = np.empty(len(order))
    listed[order] = ranked.top_of(most)
    return listed


def loss(
    part: str, lost: float, half: float, gain: float, then: float, sure: float = 1.0, *, is_final: bool = True
) -> Measurement:
    """The figure ``money_lost``: ``then`` less ``gain``.

    Args:
        part: what it is about.
        lost: the value.
        half: half of the width of its 95 % interval.
        gain: of now.
        then: the gain before.
        sure: beyond so many times ``half`` the loss is no chance.
        is_final: whether labels say so.
    """
    status: Status = "good" if lost <= sure * half else "act" if lost >= ACT_SHARE * abs(then) else "watch"
    step = {
        "good": "Nothing to do: the lists earn what they did when the model was new.",
        "watch": "Look which features and which groups changed: the lists earn less than when the model was new.",
        "act": "Train again, or go back to the version before: the lists earn less than when the model was new.",
    }[status]
    return Measurement("money_lost", part, lost, lost - half, lost + half, gain, then, status, step, is_final)
