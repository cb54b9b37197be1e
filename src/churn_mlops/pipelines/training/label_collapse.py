"""As-of dates after which suddenly hardly anybody left: what tells of ends may not be loaded, and all seem to stay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import bdtr

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.findings import Problem
from churn_mlops.pipelines.training.snapshots import Periods

_CHANCE = 1e-4
_SHARE = 0.5
"""Of many customers, the seasons alone bring what chance does not, but no such fall."""


def collapses(periods: Periods, contract: HistoryContract) -> Iterator[Problem]:
    """A warning of each date after which half as many left as after those before it, or fewer, beyond chance.

    Of a label by silence there is none: where its events are not loaded, all seem to leave.

    If all were alike, each leaver would belong to the date or to those before it as their customers do: the chance of
    so few is that of a binomial distribution. Dates that are warned of are none to compare later ones with.
    """
    if contract.label is None or contract.label.inactive is not None:
        return
    left = periods.rows.column(LABEL).to_numpy() == 1
    days, place, rows = np.unique(periods.as_of, return_inverse=True, return_counts=True)
    leavers = np.bincount(place, weights=left).astype(int)
    rows_before, left_before = int(rows[0]), int(leavers[0])
    for day, there, gone in zip(days[1:], rows[1:].tolist(), leavers[1:].tolist(), strict=True):
        expected = there * left_before / rows_before
        chance = bdtr(gone, left_before + gone, there / (rows_before + there))
        if chance >= _CHANCE or gone > _SHARE * expected:
            rows_before, left_before = rows_before + there, left_before + gone
            continue
        said = (
            f"{gone:,} of {there:,} customers left after {day}, where {expected:,.0f} would have as after the dates "
            "before: is all loaded that tells who left, or what has changed?"
        )
        yield Problem("warning", "", "leavers_collapse", 0, (), said)
