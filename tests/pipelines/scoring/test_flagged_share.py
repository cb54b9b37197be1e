"""A run that takes far more customers for churners than training did says so."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.pipelines.scoring.flagged_share import flagged_far_above

REFERENCE = {"cuts": [0.05, 0.1, 0.3, 0.7], "shares": [0.4, 0.3, 0.2, 0.05, 0.05]}
"""At most a tenth of the training rows lies at 0.5 or above."""


def scores(flagged: int, rows: int = 1000) -> np.ndarray:
    return np.where(np.arange(rows) < flagged, 0.9, 0.1)


@pytest.mark.parametrize(("flagged", "is_noticed"), [(100, False), (250, False), (251, True), (993, True)])
def test_more_than_twice_the_share_of_training_and_five_points_is_noticed(flagged: int, is_noticed: bool) -> None:
    found = flagged_far_above(scores(flagged), REFERENCE, 0.5)
    assert bool(found) == is_noticed
    assert all((one.rule, one.rows) == ("flagged_far_above", flagged) for one in found)


def test_few_customers_say_nothing() -> None:
    assert flagged_far_above(scores(19, 19), REFERENCE, 0.5) == ()
    assert flagged_far_above(scores(20, 20), REFERENCE, 0.5)
