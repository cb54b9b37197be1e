"""Churn by risk band, cohort and level, on the newest run with final labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date

import ibis.expr.types as ir
import numpy as np

from churn_mlops.data.contract import HistoryContract, HistoryFeature
from churn_mlops.data.snapshot.cohorts import start_months
from churn_mlops.data.snapshot.snapshot import read_history
from churn_mlops.errors import ConfigError
from churn_mlops.monitoring import Measurement, ScoredRows, accuracy_by_level, churn_by_segment
from churn_mlops.monitoring.levels import Levels
from churn_mlops.monitoring.segments import FEWEST, MOST
from churn_mlops.pipelines.monitoring.run_rows import customer_number
from churn_mlops.store import Store
from churn_mlops.store.scoring.run_scores import run_scores
from churn_mlops.store.scoring.runs import Run
from churn_mlops.suggestions import did_you_mean

COHORT_MONTHS = 12
"""Customers of the last 12 months are cohorts by month, earlier ones by year."""


def segment_features(contract: HistoryContract, declared: Sequence[str]) -> dict[str, HistoryFeature]:
    """The features whose levels are segments.

    Args:
        contract: declares the features.
        declared: the setting ``monitoring.segments``; empty takes each feature with 2 to 12 declared levels.

    Raises:
        ConfigError: ``declared`` names no feature of the contract, or one without so many declared levels.
    """
    few = {name: one for name, one in contract.features.items() if 1 < len(one.levels or ()) <= MOST}
    for name in declared:
        if name not in contract.features:
            suggestion = did_you_mean(name, contract.features)
            raise ConfigError(f"monitoring.segments names {name!r}, which is no feature of the contract; {suggestion}")
        if name not in few:
            raise ConfigError(
                f"monitoring.segments names {name!r}, which has {len(contract.features[name].levels or ())} declared "
                f"levels: segments need 2 to {MOST}; declare its `levels` in the contract, or name another feature"
            )
    return {name: few[name] for name in declared} if declared else few


def churn_of_segments(
    store: Store,
    run: Run,
    tables: Mapping[str, ir.Table] | None,
    contract: HistoryContract,
    by: Mapping[str, HistoryFeature],
    untreated: Callable[[], ScoredRows],
) -> list[Measurement]:
    """The churn rates of all segments, and how right the scores are by level.

    Args:
        store: the store.
        run: a run with final labels.
        tables: of the history; None takes the risk bands alone, where the source is not read.
        contract: what the tables mean.
        by: the features whose levels are segments, as :func:`segment_features` gives them.
        untreated: reads the rows of the run that accuracy is measured on.

    Raises:
        ChurnError: the store or the source fails.
    """
    left, bands = _labels_and_bands(store, run)
    if not left:
        return []
    overall = sum(left.values()) / len(left)
    found = churn_by_segment("churn_by_band", _counts(bands.items(), left), overall)
    if tables is not None:
        months = start_months(tables, contract, run.as_of)
        cohorts = ((customer, _cohort(month, run.as_of)) for customer, month in months.items())
        found += churn_by_segment("churn_by_cohort", _counts(cohorts, left), overall)
        rows, levels = untreated(), []
        for level_of in _levels(tables, contract, by, run.as_of):
            large = [one for one in _counts(level_of.items(), left) if one[2] >= FEWEST]
            found += churn_by_segment("churn_by_level", large, overall)
            levels.append(_of_rows(level_of, rows))
        found += accuracy_by_level(rows, levels)
    return found


def _labels_and_bands(store: Store, run: Run) -> tuple[dict[str, bool], dict[str, str]]:
    left: dict[str, bool] = {}
    bands: dict[str, str] = {}
    for batch in run_scores(store, run):
        for customer, band, label in zip(batch.customer, batch.risk_band, batch.left, strict=True):
            if label is not None:
                left[customer], bands[customer] = label, band
    return left, bands


def _counts(segments: Iterable[tuple[str, str]], left: Mapping[str, bool]) -> list[tuple[str, int, int]]:
    """Name, churners and customers of each segment, by name."""
    counts = Counter((segment, left[customer]) for customer, segment in segments if customer in left)
    names = sorted({segment for segment, _ in counts})
    return [(name, counts[name, True], counts[name, True] + counts[name, False]) for name in names]


def _cohort(month: tuple[int, int], day: date) -> str:
    age = (day.year - month[0]) * 12 + day.month - month[1]
    return f"{month[0]}-{month[1]:02d}" if age < COHORT_MONTHS else str(month[0])


def _of_rows(level_of: Mapping[str, str], rows: ScoredRows) -> Levels:
    names = sorted(set(level_of.values()))
    places = {name: place for place, name in enumerate(names)}
    of_number = {customer_number(customer): places[level] for customer, level in level_of.items()}
    return Levels(names, np.array([of_number.get(number, -1) for number in rows.customers.tolist()], dtype=np.int16))


def _levels(
    tables: Mapping[str, ir.Table], contract: HistoryContract, by: Mapping[str, HistoryFeature], day: date
) -> Iterator[dict[str, str]]:
    """Customers with their level, named "feature=level", of each feature."""
    if not by:
        return
    rows = read_history(tables, contract.model_copy(update={"features": dict(by)}), [day])
    customers = rows.column(contract.customer).to_pylist()
    for name, feature in by.items():
        declared = set(feature.levels or ())
        values = ("(other)" if value not in declared else value for value in rows.column(name).to_pylist())
        yield dict(zip(customers, (f"{name}={value}" for value in values), strict=True))
