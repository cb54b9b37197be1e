"""Accuracy by level of a feature: whether the scores are as right for every group of customers as for all together."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.stats import t as student

from churn_mlops.monitoring.accuracy import ACT_PER_100, GROUPS, ScoredRows, accuracy
from churn_mlops.monitoring.feature_drift import discoveries
from churn_mlops.monitoring.measurement import Measurement, Status
from churn_mlops.monitoring.weighted_metrics import Ranked

LEVEL = 0.05 / 52
"""Chance of a false alarm on one week's labels: at most 5 % in a year, however much the weeks have in common."""
CALIBRATION, AUC = "calibration_by_level", "auc_by_level"


@dataclass(frozen=True)
class Levels:
    """The level of each row, of one feature.

    Args:
        names: such as "plan=monthly".
        places: of the level of each row in ``names``, below 0 where it is unknown; shape (rows,).
    """

    names: Sequence[str]
    places: npt.NDArray[np.int16]


@dataclass(frozen=True)
class _Group:
    """A figure of a level, and the value that it would have if the scores were as right there as for all customers."""

    figure: Measurement
    wanted: float


def accuracy_by_level(rows: ScoredRows, levels: Sequence[Levels]) -> list[Measurement]:
    """Calibration and AUC of each level with enough final labels, with 95 % intervals.

    A level stands out beyond doubt alone: by the deviation of the jackknife, over all levels (Benjamini and Yekutieli
    2001). Its calibration is compared with that of all customers. Its AUC is compared with what its own scores expect,
    since a feature that explains churn leaves less to order within its levels, and with how far the AUC of all
    customers is from what their scores expect. Both values of all customers count as known.

    Args:
        rows: of untreated customers; rows without a final label are left out.
        levels: of some features.
    """
    of_all = {one.name: one.value for one in accuracy(rows)}
    calibration, auc = of_all["calibration"], of_all["auc"]
    if calibration is None or auc is None:
        return []
    off = auc - _expected_auc(rows.final)
    calibrations, aucs = [], []
    for feature in levels:
        for place, level in enumerate(feature.names):
            part = rows.only(feature.places == place)
            found = {one.name: one for one in accuracy(part, level) if one.value is not None}
            if "calibration" in found:  # where the scores expect no churner, they expect no order either
                calibrations.append(_Group(found["calibration"], calibration))
                aucs.append(_Group(found["auc"], _expected_auc(part.final) + off))
    return [
        *_verdicts(calibrations, CALIBRATION, _calibrated, both_sides=True),
        *_verdicts(aucs, AUC, _ordered, both_sides=False),
    ]


def _expected_auc(rows: ScoredRows) -> float:
    return Ranked.of(rows.scores, rows.scores, rows.weights).auc()


def _verdicts(
    groups: Sequence[_Group], name: str, verdict: Callable[[float, float], tuple[Status, str]], *, both_sides: bool
) -> list[Measurement]:
    differs = discoveries([_chance(one.figure, one.wanted, both_sides=both_sides) for one in groups], LEVEL)
    measured = []
    for one, is_proven in zip(groups, differs, strict=True):
        value = one.figure.value or 0.0
        status, step = verdict(value, one.wanted) if is_proven else ("good", "Nothing to do: as for all customers.")
        measured.append(replace(one.figure, name=name, status=status, next_step=step))
    return measured


def _chance(one: Measurement, wanted: float, *, both_sides: bool) -> float:
    """The p-value of a level that is as right as all customers, by Student's t of the groups of the jackknife."""
    value = one.value or 0.0
    half = max(value - (one.low or 0.0), (one.high or 0.0) - value)
    deviation = half / float(student.ppf(0.975, GROUPS - 1))
    if deviation == 0:
        return 1.0
    distance = (wanted - value) / deviation
    if both_sides:
        return 2 * float(student.sf(abs(distance), GROUPS - 1))
    return float(student.sf(distance, GROUPS - 1))


def _calibrated(value: float, wanted: float) -> tuple[Status, str]:
    status: Status = "act" if abs(value - wanted) >= ACT_PER_100 else "watch"
    if value > wanted:
        return status, "Ask why: more of these customers leave than their scores say, so they get too few offers."
    return status, "Ask why: fewer of these customers leave than their scores say, so they get too many offers."


def _ordered(value: float, wanted: float) -> tuple[Status, str]:
    """It never asks to act: a worse order loses money, and promises no one anything wrong."""
    return (
        "watch",
        "Look for a feature that says more about these customers: their order is worse than their scores expect.",
    )
