"""The value of a contact with a customer in money, and so whether to make an offer.

The rule is that of the expected maximum profit measure (Verbraken, Verbeke and Baesens, 2013), with two more settings:
churners who take the offer and leave anyway, and retained customers who do not take it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any, Final, Literal, overload

import numpy as np
import numpy.typing as npt

from churn_mlops.errors import DataError

Action = Literal["offer", "leave_alone"]
OFFER: Final = "offer"
LEAVE_ALONE: Final = "leave_alone"


@dataclass(frozen=True)
class Economics:
    """The costs and gains of customers and offers.

    Args:
        value: USD of margin kept when a customer stays, over the extra time they stay; at least 0.
        offer_cost: USD for an offer that is taken; at least 0.
        contact_cost: USD for one contact, taken or not; at least 0.
        kept_share: share of would-be churners that the offer keeps, 0 to 1.
        taken_and_left_share: share of would-be churners who take the offer and leave anyway, 0 to 1 - ``kept_share``.
        taken_by_stayers_share: share of would-be retained customers who take the offer, 0 to 1.

    Raises:
        DataError: naming every setting that is out of its range.
    """

    value: float = 500.0
    offer_cost: float = 50.0
    contact_cost: float = 1.0
    kept_share: float = 0.2
    taken_and_left_share: float = 0.0
    taken_by_stayers_share: float = 1.0

    def __post_init__(self) -> None:
        problems = [
            (field.name, problem)
            for field in fields(self)
            if (problem := _problem(field.name, getattr(self, field.name)))
        ]
        if not problems and self.kept_share + self.taken_and_left_share > 1:
            total = self.kept_share + self.taken_and_left_share
            problems = [("taken_and_left_share", f"and kept_share add up to {total:g}; together they are at most 1")]
        if problems:
            message = "; ".join(f"{name} {problem}" for name, problem in problems)
            raise DataError(f"these settings of the decision are out of range: {message}", tuple(problems))

    @property
    def gain_from_leaver(self) -> float:
        """USD gained, on average, by contacting a customer who was about to leave."""
        kept = self.kept_share * (self.value - self.offer_cost)
        return kept - self.taken_and_left_share * self.offer_cost - self.contact_cost

    @property
    def cost_of_stayer(self) -> float:
        """USD lost, on average, by contacting a customer who would have stayed anyway."""
        return self.taken_by_stayers_share * self.offer_cost + self.contact_cost


@overload
def expected_gain(p: float, economics: Economics) -> float: ...
@overload
def expected_gain(p: npt.NDArray[np.floating[Any]], economics: Economics) -> npt.NDArray[np.float64]: ...
def expected_gain(p: Any, economics: Economics) -> Any:
    """USD gained, on average, by contacting a customer who churns with probability ``p``.

    ``p (g (V - d) - h d - f) - (1 - p) (a d + f)``: V value, d offer cost, f contact cost, g kept share, h taken and
    left share, a share of retained customers who take the offer.

    Args:
        p: churn probability, one number or an array of any shape, each in [0, 1].
        economics: what customers and offers cost and bring.

    Raises:
        DataError: a probability is not in [0, 1].
    """
    if isinstance(p, float):  # one customer on the phone; NumPy would take ten times as long
        _check_probability(0.0 <= p <= 1.0)
        return p * economics.gain_from_leaver - (1.0 - p) * economics.cost_of_stayer
    probabilities = np.asarray(p, dtype=np.float64)
    _check_probability(bool(np.all((probabilities >= 0.0) & (probabilities <= 1.0))))
    gain = probabilities * economics.gain_from_leaver - (1.0 - probabilities) * economics.cost_of_stayer
    return gain if probabilities.ndim else float(gain)


def break_even_probability(economics: Economics) -> float | None:
    """The churn probability at which a contact neither gains nor loses; None if no contact ever gains.

    Above it the expected gain is positive. With nothing to lose (no costs at all) it is 0.
    """
    if economics.gain_from_leaver <= 0.0:
        return None
    return economics.cost_of_stayer / (economics.cost_of_stayer + economics.gain_from_leaver)


@overload
def worth_an_offer(p: float, economics: Economics) -> bool: ...
@overload
def worth_an_offer(p: npt.NDArray[np.floating[Any]], economics: Economics) -> npt.NDArray[np.bool_]: ...
def worth_an_offer(p: Any, economics: Economics) -> Any:
    """Whether an offer to a customer who churns with probability ``p`` is expected to gain; no capacity counts here.

    Args:
        p: churn probability, one number or an array of any shape, each in [0, 1].
        economics: what customers and offers cost and bring.

    Raises:
        DataError: a probability is not in [0, 1].
    """
    return expected_gain(p, economics) > 0.0


def action(p: float, economics: Economics) -> Action:
    """The action for a customer who churns with probability ``p``, if there is no contact list.

    Raises:
        DataError: the probability is not in [0, 1].
    """
    return action_of(worth_an_offer(p, economics))


def action_of(offered: bool) -> Action:
    """The action by its name: an offer is made, or not."""
    return OFFER if offered else LEAVE_ALONE


def _check_probability(within: bool) -> None:
    if not within:
        raise DataError(
            "a churn probability lies between 0 and 1", (("churn_probability", "must lie between 0 and 1"),)
        )


def _problem(name: str, value: float) -> str | None:
    if isinstance(value, bool) or not math.isfinite(value):
        return f"is {value}; it must be a finite number"
    if value < 0.0:
        return f"is {value:g}; it must be at least 0"
    if name.endswith("_share") and value > 1.0:
        return f"is {value:g}; it is a share, at most 1"
    return None
