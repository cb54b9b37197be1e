"""A warning where a run takes far more customers for churners than training did: the rows are other customers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from churn_mlops.data.findings import Problem
from churn_mlops.models.calibration import Floats

_TIMES, _POINTS, _LEAST_ROWS = 2.0, 0.05, 20


def flagged_far_above(scores: Floats, reference: Mapping[str, Any], threshold: float) -> tuple[Problem, ...]:
    """A warning if the share of scores from ``threshold`` on is more than twice that of training, and 5 points.

    Args:
        scores: churn probabilities, shape (rows,).
        reference: ``scores`` of the bundle's reference: ``cuts`` of the scores of the training rows, and the ``shares``
            of the steps between them. A step that reaches above ``threshold`` counts whole.
        threshold: score from which a customer counts as likely to churn.
    """
    flagged = int((scores >= threshold).sum())
    ends = [*reference["cuts"], np.inf]
    then = float(sum(share for end, share in zip(ends, reference["shares"], strict=False) if end >= threshold))
    if flagged < _LEAST_ROWS or flagged / len(scores) <= _TIMES * then + _POINTS:
        return ()
    message = (
        f"{flagged:,} of {len(scores):,} customers are likely to churn, and at most {then:.0%} of the training rows "
        "were. Are these customers of another kind, such as newcomers? Or was the label of customers who stayed blank?"
    )
    return (Problem("warning", "", "flagged_far_above", flagged, (), message),)
