"""As-of dates with suspiciously few churners: churn dates that are not loaded make every customer seem to stay."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from scipy.special import bdtr

from churn_mlops.data.contract import HistoryContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.data.findings import Problem
from churn_mlops.pipelines.training.snapshots import LabelledSnapshots

_P_VALUE = 1e-4
_SHARE = 0.5
"""With many customers, seasons alone exceed chance, but do not halve the churners."""


def label_collapses(snapshots: LabelledSnapshots, contract: HistoryContract) -> Iterator[Problem]:
    """A warning for each date after which at most half as many churned as after the dates before it, beyond chance.

    A label by inactivity gives none: where its events are not loaded, every customer seems to churn.

    If all dates were alike, each churner would fall on this date, or on those before it, in proportion to their
    customers: the p-value of so few is that of a binomial distribution. Later dates are not compared with a date that
    is warned of.
    """
    if contract.label is None or contract.label.inactive is not None:
        return
    churned = snapshots.rows.column(LABEL).to_numpy() == 1
    days, place, rows = np.unique(snapshots.as_of, return_inverse=True, return_counts=True)
    churners = np.bincount(place, weights=churned).astype(int)
    rows_before, churned_before = int(rows[0]), int(churners[0])
    for day, customers, found in zip(days[1:], rows[1:].tolist(), churners[1:].tolist(), strict=True):
        expected = customers * churned_before / rows_before
        p_value = bdtr(found, churned_before + found, customers / (rows_before + customers))
        if p_value >= _P_VALUE or found > _SHARE * expected:
            rows_before, churned_before = rows_before + customers, churned_before + found
            continue
        message = (
            f"{found:,} of {customers:,} customers left after {day}, where {expected:,.0f} would have as after the "
            "dates before: are all churn dates loaded, or what has changed?"
        )
        yield Problem("warning", "", "leavers_collapse", 0, (), message)
