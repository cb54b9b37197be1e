"""The name ``set_aside`` of ``keyed_hash.in_test_set`` up to version 0.1."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from churn_mlops.keyed_hash import in_test_set


def set_aside(customers: Iterable[str], key: str, share: float) -> npt.NDArray[np.bool_]:
    """Whether each customer belongs to the test set, shape (customers,)."""
    return np.array(in_test_set(customers, key, share), dtype=bool)
