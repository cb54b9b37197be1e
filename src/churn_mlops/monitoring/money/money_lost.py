"""The money that the newest lists of a model earn less than its lists before: the cost of a model that grew worse.

A company earns differently from month to month without any change of the model, so two months are never compared by
the chance of labels alone: the variance between the earlier months counts too, as in a meta-analysis of random effects
(DerSimonian and Laird, 1986), and at least `LEAST_VARIATION`. `bench/shifts` measures how often this is right.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from churn_mlops.monitoring.accuracy import ScoredRows, customer_groups
from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.money.list_gain import ERRORS_OF_95, MEASURED_BY, WAIT
from churn_mlops.monitoring.money.lists import ListTerms, MonthlyGain, is_enough
from churn_mlops.monitoring.weighted_metrics import Floats

ACT_SHARE = 0.05
"""Share of the earlier gain whose loss asks for something, where the loss is sure."""
SPANS = (1, 3, 6, 12)
"""Horizons of the newest lists that are taken together: one shows a large loss, several a small one that lasts."""
LEAST_VARIATION = 0.05
"""Standard deviation between months that is supposed at least, as a share of the gain."""
SURE = 3.5
"""Standard errors beyond which a loss is sure: more than 1.96, because one looks each week, over each of `SPANS`."""
_LATER = ("list_gain", "money_lost")


@dataclass(frozen=True)
class ListGain:
    """The gain of a month's lists like that of one date.

    Args:
        as_of: the date.
        value: in the currency of the settings, per month.
        error: its standard error by the chance of labels; at least 0.
    """

    as_of: date
    value: float
    error: float


def money_lost(gains: Sequence[ListGain], horizon_days: int) -> list[Measurement]:
    """The money that the newest lists of a model earn less than those before them.

    The newest 1, 3, 6 and 12 horizons are each compared with all before; the loss that is surest is the figure.

    Args:
        gains: of the lists of the model, by final labels, in any order.
        horizon_days: of the label; lists within one horizon share their labels, so they count as one.

    Returns:
        the figures ``list_gain_then``, ``list_gain`` and ``money_lost``, in the currency of the settings, per month.
    """
    values, errors = _by_horizon(gains, horizon_days)
    splits = [_Split.of(values, errors, span) for span in SPANS if span < len(values)]
    if not splits:
        then = _gain("list_gain_then", float(values.mean()), float(errors.mean())) if len(values) else None
        return [then or too_little("list_gain_then", "", WAIT), *(too_little(name, "", WAIT) for name in _LATER)]
    surest = max(splits, key=lambda split: (split.then - split.now) / (split.error or math.inf))
    return [
        _gain("list_gain_then", surest.then, surest.then_error),
        _gain("list_gain", surest.now, surest.now_error),
        _lost("", surest.then - surest.now, ERRORS_OF_95 * surest.error, surest.now, surest.then),
    ]


def expected_money_lost(
    then: float | None, low: float | None, rows: ScoredRows, terms: ListTerms, part: str
) -> list[Measurement]:
    """The same by the scores of the newest list: each customer counts as a churner by as much as their score.

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
    gain = MonthlyGain.of_lists([expected], customer_groups(rows.customers), terms) if is_enough([expected]) else None
    if gain is None:
        return [too_little(name, part, WAIT, is_final=False) for name in ("list_gain", "money_lost")]
    ends = gain.value - gain.half, gain.value + gain.half
    found = Measurement("list_gain", part, gain.value, *ends, None, None, "good", MEASURED_BY, is_final=False)
    if then is None or low is None:
        return [found, too_little("money_lost", part, WAIT, is_final=False)]
    month = ERRORS_OF_95 * LEAST_VARIATION * then  # the newest month differs from the others without any change, too
    half = math.hypot(then - low, gain.half, month)  # as if of other customers, which is cautious
    return [found, _lost(part, then - gain.value, half, gain.value, then, is_final=False)]


@dataclass(frozen=True)
class _Split:
    """The gain of the earlier and of the newest horizons, and the standard errors of both."""

    then: float
    now: float
    then_error: float
    now_error: float

    @classmethod
    def of(cls, values: Floats, errors: Floats, span: int) -> _Split:
        """``values`` and ``errors`` of each horizon, the newest first, of which ``span`` are new."""
        then = values[span:]
        between = float(then.var(ddof=1) - (errors[span:] ** 2).mean()) if len(then) > 1 else 0.0
        variance = max(between, (LEAST_VARIATION * float(then.mean())) ** 2)
        of_then, of_now = (
            math.sqrt((float((part**2).mean()) + variance) / len(part)) for part in (errors[span:], errors[:span])
        )
        return cls(float(then.mean()), float(values[:span].mean()), of_then, of_now)

    @property
    def error(self) -> float:
        """Standard error of the loss; 0 where no one was ever on a list."""
        return math.hypot(self.then_error, self.now_error)


def _by_horizon(gains: Sequence[ListGain], horizon_days: int) -> tuple[Floats, Floats]:
    """The gain and the standard error of each horizon, counted back from the newest list."""
    newest = max((one.as_of for one in gains), default=date.min)
    places = np.array([(newest - one.as_of).days // horizon_days for one in gains], dtype=np.int64)
    count = np.maximum(np.bincount(places), 1)
    there = np.bincount(places) > 0
    values = np.bincount(places, [one.value for one in gains]) / count
    errors = np.sqrt(np.bincount(places, [one.error**2 for one in gains]) / count)
    return values[there], errors[there]


def _gain(name: str, value: float, error: float) -> Measurement:
    ends = value - ERRORS_OF_95 * error, value + ERRORS_OF_95 * error
    return Measurement(name, "", value, *ends, None, None, "good", MEASURED_BY)


def _lost(part: str, lost: float, half: float, gain: float, then: float, *, is_final: bool = True) -> Measurement:
    """The figure ``money_lost``: ``then`` less ``gain``.

    Args:
        part: what it is about.
        lost: the value.
        half: half of the width of its 95 % interval.
        gain: of now.
        then: the gain before.
        is_final: whether labels say so.
    """
    is_sure = lost > SURE / ERRORS_OF_95 * half
    status: Status = "good" if lost <= half else "act" if is_sure and lost >= ACT_SHARE * abs(then) else "watch"
    step = {
        "good": "Nothing to do: the lists earn what they did when the model was newer.",
        "watch": "Look which features and which groups changed: the lists earn less than when the model was newer.",
        "act": "Train again, or go back to the version before: the lists earn less than when the model was newer.",
    }[status]
    return Measurement("money_lost", part, lost, lost - half, lost + half, gain, then, status, step, is_final)
