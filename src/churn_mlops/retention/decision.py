"""The decision about a customer: likely to churn or not, risk band, worth an offer, on the contact list.

The list of one process, Spark and the API all decide here. A decision by the score alone takes a number or a
NumPy array; on Spark the workers compute it. A decision by the rank too is written with operators only, so that the
same line takes numbers, NumPy arrays and Spark columns.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal, overload

import numpy as np
import numpy.typing as npt

from churn_mlops.retention.economics import LEAVE_ALONE, OFFER, Economics, worth_an_offer

RiskBand = Literal["low", "medium", "high"]
RISK_BANDS: Final[tuple[RiskBand, ...]] = ("low", "medium", "high")
Values = Any
"""A number, an array of NumPy or a Spark column: whatever has the operators of an expression."""


@dataclass(frozen=True)
class DecisionRule:
    """The rule that decides about a customer, given their score and their rank.

    Args:
        economics: what customers and offers cost and bring.
        threshold: score from which a customer counts as likely to churn, in [0, 1].
        medium_from: score from which the risk is medium, in [0, 1].
        high_from: score from which the risk is high, at least ``medium_from``.
        capacity: most contacts of one run, at least 0; None means no limit.
    """

    economics: Economics
    threshold: float = 0.5
    medium_from: float = 0.2
    high_from: float = 0.5
    capacity: int | None = None

    @overload
    def will_churn(self, score: float) -> bool: ...
    @overload
    def will_churn(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]: ...
    def will_churn(self, score: Values) -> Values:
        """Whether a score reaches the decision threshold."""
        return score >= self.threshold

    @overload
    def worth_an_offer(self, score: float) -> bool: ...
    @overload
    def worth_an_offer(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]: ...
    def worth_an_offer(self, score: Values) -> Values:
        """Whether an offer is expected to gain more than it costs, by the score alone."""
        return worth_an_offer(score, self.economics)

    def risk_band(self, score: npt.NDArray[np.float64]) -> npt.NDArray[np.str_]:
        """The risk band of each score, one of `RISK_BANDS`."""
        return np.array(RISK_BANDS)[np.digitize(score, [self.medium_from, self.high_from])]

    def on_contact_list(self, worth: Values, rank: Values) -> Values:
        """Whether a customer is on the contact list: those worth an offer, best first, cut at the capacity.

        Args:
            worth: whether each customer is worth an offer, as :meth:`worth_an_offer` says.
            rank: rank of each customer, from 1.
        """
        return worth if self.capacity is None else worth & (rank <= self.capacity)

    def contacts(self, worth: int) -> int:
        """Length of the contact list where ``worth`` customers are worth an offer."""
        return worth if self.capacity is None else min(worth, self.capacity)


def actions(on_contact_list: npt.NDArray[np.bool_]) -> npt.NDArray[np.str_]:
    """The action for each customer: an offer to those on the contact list, and to no one else."""
    return np.where(on_contact_list, OFFER, LEAVE_ALONE)
