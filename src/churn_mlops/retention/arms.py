"""The arm of a customer in a campaign: drawn by a keyed hash, so that it can be replayed and never changes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal

import numpy as np
import numpy.typing as npt

from churn_mlops.keyed_hash import digests

Arm = Literal["treated", "control"]
TREATED: Final = "treated"
CONTROL: Final = "control"
EXPLORER_CONTROL_SHARE: Final = 0.5
"""Share of the control group among customers who are drawn at random."""


@dataclass(frozen=True)
class Draw:
    """The draw of one unit in a campaign.

    Args:
        arm: the arm.
        explores: whether the unit is drawn into the campaign at random, whatever the score.
        place: place of an explorer in the order of their turns, in [0, 1).
    """

    arm: Arm
    explores: bool
    place: float


@dataclass(frozen=True)
class Draws:
    """:class:`Draw` of many units, each field of shape (units,).

    Args:
        control: whether the arm is the control group.
        explores: as of a draw.
        place: as of a draw.
    """

    control: npt.NDArray[np.bool_]
    explores: npt.NDArray[np.bool_]
    place: npt.NDArray[np.float64]


def arm_of(key: str, campaign: str, unit: str, *, control_share: float, explore_share: float) -> Draw:
    """The draw of one unit: it depends on the arguments alone, so it is the same on every day and machine.

    Args:
        key: the setting ``decision.campaign_key``.
        campaign: the name of the campaign.
        unit: the customer ID, or the household where the contract names one.
        control_share: share of the control group, in [0, 1).
        explore_share: share of explorers, in [0, 1); half of them are the control group's.
    """
    found = arms_of(key, campaign, [unit], control_share=control_share, explore_share=explore_share)
    arm: Arm = CONTROL if found.control[0] else TREATED
    return Draw(arm, bool(found.explores[0]), float(found.place[0]))


def arms_of(key: str, campaign: str, units: Sequence[str], *, control_share: float, explore_share: float) -> Draws:
    """:func:`arm_of` for many units: a million take about two seconds."""
    # The first eight bytes of a digest decide about the arm, the next eight about explorers: two independent draws.
    drawn = np.frombuffer(digests(key, f"{campaign}\x00", units), dtype=">u8").reshape(len(units), 4)
    arm, explorer = (drawn[:, place].astype(np.float64) / 2**64 for place in (0, 1))
    explores = explorer < explore_share
    control = arm < np.where(explores, EXPLORER_CONTROL_SHARE, control_share)
    return Draws(control, explores, explorer)
