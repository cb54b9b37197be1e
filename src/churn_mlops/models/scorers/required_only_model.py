"""The model of the required features alone, for customers without any optional value.

A model fitted on behaviour would still rank a customer without any behaviour, but their score would not be calibrated:
in such a model, behaviour carries much of what the required features would say alone.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from churn_mlops.models.bundle import Bundle
from churn_mlops.models.scorers.lookup_tables import AdditiveTables, Floats
from churn_mlops.models.scorers.tree_ensemble import TreeEnsemble


@dataclass(frozen=True)
class Core:
    """The model of the required features, and how to recognise the customers that it is for.

    Args:
        model: of the required features.
        places: of these among all features.
        missing: for each optional feature, its place and the input that means missing (besides NaN).
        optional: the names of the optional features, and of their columns in a table.
    """

    model: AdditiveTables | TreeEnsemble
    places: list[int]
    missing: list[tuple[int, float]]
    optional: list[str]

    @classmethod
    def of(cls, bundle: Bundle) -> Core | None:
        """The core of ``bundle``, None where it has none."""
        if bundle.core is None:
            return None
        features = list(bundle.contract.features.items())
        places = [place for place, (_, feature) in enumerate(features) if feature.required]
        missing = [
            (place, float(len(bundle.levels[name]) + 1) if name in bundle.levels else math.nan)
            for place, (name, feature) in enumerate(features)
            if not feature.required
        ]
        optional = [name for name, feature in features if not feature.required]
        columns = {bundle.contract.column_of(name) for name in optional}
        return cls(bundle.core, places, missing, sorted(columns.union(optional)))

    def is_for_row(self, row: Mapping[str, Any]) -> bool:
        """Whether no optional value of this customer is given at all; a value that is may still mean missing."""
        return not [name for name in self.optional if row.get(name) is not None]

    def is_for(self, inputs: list[float]) -> bool:
        """Whether nothing optional is known of this customer."""
        for place, code in self.missing:
            value = inputs[place]
            if value == value and value != code:
                return False
        return True

    def inputs(self, inputs: list[float]) -> list[float]:
        """The inputs of :attr:`model` among those of all features."""
        return [inputs[place] for place in self.places]

    def rows(self, inputs: Floats) -> npt.NDArray[np.bool_]:
        """:meth:`is_for` of many customers, shape (rows,)."""
        found = np.ones(len(inputs), dtype=bool)
        for place, code in self.missing:
            found &= np.isnan(inputs[:, place]) | (inputs[:, place] == code)
        return found

    def cells(self, rows: npt.NDArray[np.bool_]) -> tuple[npt.NDArray[np.intp], ...]:
        """Index of the required features of ``rows``."""
        return tuple(np.ix_(np.flatnonzero(rows), np.array(self.places)))
