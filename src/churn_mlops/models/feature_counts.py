"""How many customers fall into each cell of the reference: the values of a run, without a customer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from churn_mlops.models.scorers.lookup_tables import Floats

FeatureCounts = Mapping[str, Sequence[int]]
"""For each feature the customers in each cell, in the order of the shares of its reference."""


def count_features(reference: Mapping[str, Mapping[str, Any]], names: Sequence[str], inputs: Floats) -> FeatureCounts:
    """Count the customers in each cell of each feature.

    A number is counted above each cut, which takes a fraction of the time of a search for its step.

    Args:
        reference: of the bundle, by feature: its ``cuts`` or ``levels``, as training wrote them.
        names: the features of ``inputs``, in the order of its columns.
        inputs: of the model, shape (rows, features).
    """
    places = {name: place for place, name in enumerate(names)}
    return {
        name: _of_steps(inputs[:, places[name]], one["cuts"])
        if "cuts" in one
        else np.bincount(inputs[:, places[name]].astype(np.intp), minlength=len(one["levels"])).tolist()
        for name, one in reference.items()
    }


def added(counts: Sequence[FeatureCounts]) -> FeatureCounts:
    """The counts of batches together; empty for no batch."""
    names = counts[0] if counts else ()
    return {name: np.sum([one[name] for one in counts], axis=0).tolist() for name in names}


def _of_steps(numbers: Floats, cuts: Sequence[float]) -> list[int]:
    missing = int(np.count_nonzero(np.isnan(numbers)))
    above = [len(numbers) - missing, *(int(np.count_nonzero(numbers > cut)) for cut in cuts), 0]
    return [more - fewer for more, fewer in pairwise(above)] + [missing]
