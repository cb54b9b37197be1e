"""The effect of each feature on a score, in points around the model's base, with its uncertainty."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import chain
from typing import Any, Literal

import numpy as np

from churn_mlops.data.contract import DataContract, Feature
from churn_mlops.models.calibration import sigmoid
from churn_mlops.models.scorers.lookup_tables import Axis
from churn_mlops.reporting.intervals import Z
from churn_mlops.reporting.report_data import SMALLEST_GROUP, Cell, Effect, Figure, Interplay

Kind = Literal["level", "step", "other", "missing"]
STRONGEST_PAIRS = 10
WEAKEST_PAIR = 0.01
"""Log-odds below which a pair does nothing that anyone would notice."""


def effects(contract: DataContract, learnt: Mapping[str, Any], base: float) -> tuple[Effect, ...]:
    """The effect of each feature, the most important first.

    Args:
        contract: declares the features.
        learnt: of the bundle: ``curves`` and ``importances``, in log-odds (see ``models.learnt``).
        base: log-odds of a customer whose contributions are all zero.
    """
    found = [
        Effect(
            feature=name,
            title=contract.title_of(name),
            type=feature.type,
            unit=feature.unit,
            importance=learnt["importances"].get(name),
            cells=_cells(feature, learnt["curves"][name], base) if name in learnt["curves"] else (),
        )
        for name, feature in contract.features.items()
    ]
    return tuple(sorted(found, key=lambda effect: -(effect.importance or 0.0)))


def interplays(contract: DataContract, learnt: Mapping[str, Any]) -> tuple[Interplay, ...]:
    """The strongest pairs of features, at most 10, from ``learnt`` of the bundle."""
    strongest = sorted(learnt["pairs"], key=lambda pair: -float(pair["strength"]))[:STRONGEST_PAIRS]
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
    """The cells of a curve of which some training row was looked at; of those with a name, only frequent ones."""
    figures = [_figure(v, e, base) for v, e in zip(curve["values"], curve["errors"], strict=True)]
    known = list(zip(figures, map(int, curve["rows"]), strict=True))
    if feature.type == "category":
        *levels, _, _ = curve["levels"]
        kinds: list[tuple[Kind, str]] = [*(("level", level) for level in levels), ("other", ""), ("missing", "")]
        named = [_named(kind, text, *cell) for (kind, text), cell in zip(kinds, known, strict=True)]
        return tuple(chain.from_iterable(named))
    cuts = [float(cut) for cut in curve["cuts"]]
    *steps, missing = known
    if feature.type == "boolean":
        no, yes = Axis("", np.array(cuts)).cells(np.array([0.0, 1.0]))
        if no == yes:  # nearly all customers gave one answer, and the curve does not separate the two
            return _named("missing", "", *missing)
        answers = (*_named("level", "no", *known[no]), *_named("level", "yes", *known[yes]))
        return (*answers, *_named("missing", "", *missing))
    return (*_steps(cuts, steps), *_named("missing", "", *missing))


def _steps(cuts: list[float], known: list[tuple[Figure | None, int]]) -> list[Cell]:
    """One cell for each step of enough customers; one of fewer is joined with the next, the last with that before it.

    A step of which no row was looked at counts to the next, and is left out at the end.
    """
    cells: list[Cell] = []
    few: list[tuple[Figure, int]] = []
    low = end = None
    for high, (figure, rows) in zip([*cuts, None], known, strict=True):
        if figure is None:
            continue
        few.append((figure, rows))
        end = high
        if sum(rows for _, rows in few) >= SMALLEST_GROUP:
            cells.append(_joined(low, high, few))
            low, few = high, []
    if few and cells:
        last = cells.pop()
        cells.append(_joined(last.low, end, [(last.points, last.rows), *few]))
    return cells


def _joined(low: float | None, high: float | None, parts: list[tuple[Figure, int]]) -> Cell:
    """Neighbouring steps as one: the mean over their customers, with intervals as if all erred to the same side."""
    rows = [rows for _, rows in parts]

    def mean(ends: list[float]) -> float:
        return float(np.average(ends, weights=rows))

    points = Figure(
        value=mean([figure.value for figure, _ in parts]),
        low=mean([figure.low for figure, _ in parts]),
        high=mean([figure.high for figure, _ in parts]),
    )
    return Cell(kind="step", low=low, high=high, points=points, rows=sum(rows))


def _named(kind: Kind, text: str, figure: Figure | None, rows: int) -> tuple[Cell, ...]:
    """The cell, or none where too few customers share it."""
    if figure is None or rows < SMALLEST_GROUP:
        return ()
    return (Cell(kind=kind, text=text, points=figure, rows=rows),)


def _figure(value: float | None, error: float | None, base: float) -> Figure | None:
    if value is None or error is None:
        return None
    low, high = value - Z * error, value + Z * error
    return Figure(value=_points(value, base), low=_points(low, base), high=_points(high, base))


def _points(log_odds: float, base: float) -> float:
    after, before = sigmoid(np.array([base + log_odds, base]))
    return 100 * float(after - before)
