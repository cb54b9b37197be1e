"""Whether an offer works: the arms of a campaign, compared as they were drawn.

Every customer of the treated arm counts, contacted or not (intention to treat): the ones who could be reached differ
from the others. Customers who were drawn at random, whatever their score, are left out: their control group has another
share.
"""

from __future__ import annotations

from dataclasses import dataclass

from churn_mlops.monitoring.measurement import Measurement, Status, too_little
from churn_mlops.monitoring.proportions import difference_interval, share_interval

FEWEST = 20
"""Fewest customers of each arm with a final label for a figure."""
_WAIT = f"Wait: each arm needs {FEWEST} customers with a final label."
_NO_CONTROL = "Not proven, and waiting does not help: there is no control group. Make another campaign with one."


@dataclass(frozen=True)
class Arms:
    """Customers of a campaign whose labels are final.

    Args:
        treated: in the treated arm.
        treated_stayed: those of them who stayed.
        control: in the control group.
        control_stayed: those of them who stayed.
        has_control_group: whether the campaign draws one.
    """

    treated: int
    treated_stayed: int
    control: int
    control_stayed: int
    has_control_group: bool = True

    @property
    def wait(self) -> str:
        """The next step where there are not enough."""
        return _WAIT if self.has_control_group else _NO_CONTROL

    @property
    def is_enough(self) -> bool:
        """Whether there are enough customers to say something."""
        return min(self.treated, self.control) >= FEWEST


@dataclass(frozen=True)
class CampaignCosts:
    """The costs of the treated customers of :class:`Arms`, and the value of a customer who stays.

    Args:
        contacts: contacts with them.
        taken: offers that they accepted.
        contact_cost: USD for each contact.
        offer_cost: USD for each offer that is taken.
        value: USD of margin kept for each customer who stays.
    """

    contacts: int
    taken: int
    contact_cost: float
    offer_cost: float
    value: float

    @property
    def total(self) -> float:
        """USD paid."""
        return self.contacts * self.contact_cost + self.taken * self.offer_cost


def success(campaign: str, arms: Arms) -> list[Measurement]:
    """The share that stayed in each arm, and the difference with its 95 % interval (Newcombe 1998).

    Args:
        campaign: its number.
        arms: its customers whose labels are final.
    """
    if not arms.is_enough:
        return [
            too_little("stayed_treated", campaign, arms.wait, numerator=arms.treated_stayed, denominator=arms.treated),
            too_little("stayed_control", campaign, arms.wait, numerator=arms.control_stayed, denominator=arms.control),
            too_little("success", campaign, arms.wait, denominator=arms.treated),
        ]
    low, high = _difference(arms)
    treated, control = arms.treated_stayed / arms.treated, arms.control_stayed / arms.control
    status: Status = "good" if low > 0 else "act" if high < 0 else "watch"
    step = {
        "good": "Go on: the offer keeps customers.",
        "watch": "Not proven yet: go on until the interval leaves 0, or try another offer.",
        "act": "End the campaign: more customers leave with the offer than without it.",
    }[status]
    kept = arms.treated_stayed - control * arms.treated
    of_arm = "Compare the two arms: the difference says what the offer does."
    return [
        _arm("stayed_treated", campaign, arms.treated_stayed, arms.treated, status, of_arm),
        _arm("stayed_control", campaign, arms.control_stayed, arms.control, status, of_arm),
        Measurement("success", campaign, treated - control, low, high, kept, arms.treated, status, step),
    ]


def roi(campaign: str, arms: Arms, costs: CampaignCosts) -> Measurement:
    """Money in less money out, USD: the value of the customers kept, less what contacts and offers cost.

    The interval follows from that of the difference; costs are known. It is an estimate, because a customer is followed
    for the horizon of the label alone: a customer who only postpones to leave counts as kept. It holds for one
    look, not for a look every day.

    Args:
        campaign: its number.
        arms: its customers whose labels are final.
        costs: of the same treated customers.
    """
    if not arms.is_enough:
        return too_little("roi", campaign, arms.wait, denominator=costs.total, is_final=False)
    difference = arms.treated_stayed / arms.treated - arms.control_stayed / arms.control
    low, value, high = (
        share * arms.treated * costs.value - costs.total
        for share in (_difference(arms)[0], difference, _difference(arms)[1])
    )
    status: Status = "good" if low > 0 else "act" if high < 0 else "watch"
    step = {
        "good": "Go on: the campaign earns more than it costs.",
        "watch": "Not proven yet: go on until the interval leaves 0, or make the offer cheaper.",
        "act": "End the campaign or make the offer cheaper: it costs more than it earns.",
    }[status]
    money_in = difference * arms.treated * costs.value
    return Measurement("roi", campaign, value, low, high, money_in, costs.total, status, step, is_final=False)


def _difference(arms: Arms) -> tuple[float, float]:
    return difference_interval(arms.treated_stayed, arms.treated, arms.control_stayed, arms.control)


def _arm(name: str, campaign: str, stayed: int, of: int, status: Status, step: str) -> Measurement:
    return Measurement(name, campaign, stayed / of, *share_interval(stayed, of), stayed, of, status, step)
