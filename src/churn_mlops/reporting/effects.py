"""What each feature does to a score, in points around the average customer, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from churn_mlops.data.contract import DataContract, Feature
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.calibration import sigmoid
from churn_mlops.models.tables import Axis
from churn_mlops.reporting.facts import SMALLEST_GROUP, Cell, Effect, Figure, Interplay
from churn_mlops.reporting.intervals import Z

STRONGEST_PAIRS = 10
WEAKEST_PAIR = 0.01
"""Log-odds below which a pair does nothing that anybody would notice."""


@dataclass(frozen=True)
class Learnt:
    """What a model learnt of its features, in log-odds.

    Args:
        curves: of each feature: ``cuts`` or ``levels``, then ``values``, ``errors`` and ``rows`` of each cell.
        pairs: ``first``, ``second`` and ``strength`` of each pair of features.
        importances: mean absolute contribution of each feature.
    """

    curves: Mapping[str, Mapping[str, Any]]
    pairs: Sequence[Mapping[str, Any]]
    importances: Mapping[str, float]


def learnt(bundle: Bundle) -> Learnt:
    """What ``bundle`` tells of its features."""
    return Learnt(getattr(bundle, "curves", {}), getattr(bundle, "pairs", ()), getattr(bundle, "importances", {}))


def effects(contract: DataContract, known: Learnt, base: float) -> tuple[Effect, ...]:
    """The effect of each feature, the most important first.

    Args:
        contract: declares the features.
        known: what the model learnt of them.
        base: log-odds of the average customer.
    """
    found = [
        Effect(
            feature=name,
            title=contract.title_of(name),
            type=feature.type,
            unit=feature.unit,
            importance=known.importances.get(name),
            cells=_cells(feature, known.curves[name], base) if name in known.curves else (),
        )
        for name, feature in contract.features.items()
    ]
    return tuple(sorted(found, key=lambda effect: -(effect.importance or 0.0)))


def interplays(contract: DataContract, known: Learnt) -> tuple[Interplay, ...]:
    """The strongest pairs of features, at most 10."""
    strongest = sorted(known.pairs, key=lambda pair: -float(pair["strength"]))[:STRONGEST_PAIRS]
    return tuple(
        Interplay(
            first=contract.title_of(pair["first"]),
            second=contract.title_of(pair["second"]),
            strength=float(pair["strength"]),
        )
        for pair in strongest
        if pair["strength"] > WEAKEST_PAIR
    )


def _cells(feature: Feature, curve: Mapping[str, Any], base: float) -> tuple[Cell, ...]:
    figures = [
        Figure(value=_points(v, base), low=_points(v - Z * e, base), high=_points(v + Z * e, base))
        for v, e in zip(curve["values"], curve["errors"], strict=True)
    ]
    rows = [int(count) for count in curve["rows"]]
    if feature.type == "category":
        *levels, _, _ = curve["levels"]
        kinds = [*(("level", level) for level in levels), ("other", ""), ("missing", "")]
        cells = [Cell(kind=k, text=t, points=f, rows=r) for (k, t), f, r in zip(kinds, figures, rows, strict=True)]
        return tuple(cell for cell in cells if cell.rows >= SMALLEST_GROUP)
    cuts = [float(cut) for cut in curve["cuts"]]
    missing = Cell(kind="missing", points=figures[-1], rows=rows[-1])
    tail = (missing,) if missing.rows >= SMALLEST_GROUP else ()
    if feature.type == "boolean":
        places = Axis("", np.array(cuts)).cells(np.array([0.0, 1.0]))
        shown = zip(("no", "yes"), places, strict=True)
        return (*(Cell(kind="level", text=t, points=figures[p], rows=rows[p]) for t, p in shown), *tail)
    edges = [None, *cuts, None]
    steps = [
        Cell(kind="step", low=a, high=b, points=f, rows=r)
        for a, b, f, r in zip(edges, edges[1:], figures, rows, strict=False)
    ]
    while len(steps) > 1 and steps[-1].rows == 0:  # the last cut is the largest value there is
        steps.pop()
    return (*steps, *tail)


def _points(log_odds: float, base: float) -> float:
    after, before = sigmoid(np.array([base + log_odds, base]))
    return 100 * float(after - before)
