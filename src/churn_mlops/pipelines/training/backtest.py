"""The test that counts for a history: a model fitted on the past, judged on later dates that it knew nothing of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from churn_mlops.config import Settings
from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.models.evaluate import Estimate, evaluate
from churn_mlops.models.fitting.inputs import MIN_ROWS_OF_EACH_CLASS, FitSettings, rarer
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats, Places
from churn_mlops.models.train import fit_bundle
from churn_mlops.pipelines.training.snapshots import Periods, before
from churn_mlops.pipelines.training.test_set import ENOUGH_LEAVERS, customer_codes, latest_dates

LEAST_LEAVERS = 5


@dataclass(frozen=True)
class OutOfTime:
    """How good a model of the past was on later dates.

    Args:
        trained_until: the last as-of date it was fitted on.
        tested_on: the later dates.
        gap_days: between the two at least: lead, horizon and reporting delay.
        customers: rows tested.
        left: of these.
        metrics: each with its interval, clustered by customer.
    """

    trained_until: date
    tested_on: tuple[date, ...]
    gap_days: int
    customers: int
    left: int
    metrics: Mapping[str, Estimate]

    @property
    def is_signal(self) -> bool:
        """Whether the order of the scores is better than chance, beyond noise."""
        return self.metrics["auc"].low > 0.5

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the record."""
        return {
            "trained_until": self.trained_until.isoformat(),
            "tested_on": [day.isoformat() for day in self.tested_on],
            "gap_days": self.gap_days,
            "customers": self.customers,
            "left": self.left,
            "metrics": {name: asdict(estimate) for name, estimate in self.metrics.items()},
        }


@dataclass(frozen=True)
class Later:
    """Scores of a model of the past for customers at later dates.

    Args:
        trained_until: the last as-of date it was fitted on.
        tested_on: the later dates.
        test: which of the rows are theirs, shape (rows,).
        scores: of those rows, in their order.
        left: 1 where such a customer left, else 0.
        customers: the number of each one's customer: he may stand there at several dates.
    """

    trained_until: date
    tested_on: tuple[date, ...]
    test: npt.NDArray[np.bool_]
    scores: Floats
    left: Floats
    customers: Places


def out_of_time(
    periods: Periods,
    contract: HistoryContract,
    settings: Settings,
    model_type: str,
    setting: str | None,
) -> OutOfTime | None:
    """Fit ``model_type`` on the dates whose labels were final before the latest ones, and judge it on these.

    None where the history is too short for that, or holds too few leavers on either side: :func:`untested` says which.
    """
    later = score_later(periods, contract, settings, model_type, setting)
    if later is None or contract.label is None:
        return None
    return OutOfTime(
        trained_until=later.trained_until,
        tested_on=later.tested_on,
        gap_days=contract.label.matures_after,
        customers=len(later.left),
        left=int(later.left.sum()),
        metrics=evaluate(later.left, later.scores, clusters=later.customers),
    )


def score_later(
    periods: Periods,
    contract: HistoryContract,
    settings: Settings,
    model_type: str,
    setting: str | None,
) -> Later | None:
    """The scores that :func:`out_of_time` judges; with no ``setting``, that of the type is chosen on the past alone.

    None where the history is too short, or holds too few leavers on either side.
    """
    if contract.label is None:
        return None
    if untested(periods, contract) is not None:
        return None
    y, tested, train, test = _parted(periods, contract.label.matures_after)
    flat = contract.flat()
    groups = customer_codes(periods.rows, flat)
    features = periods.rows.select(list(flat.features))
    later = features.filter(pa.array(test))
    bundle = fit_bundle(
        features.filter(pa.array(train)),
        y[train],
        flat,
        model_type,
        setting=setting,
        groups=groups[train],
        seed=settings.training.seed,
        with_core=_anybody_unknown(later, flat),
        settings=fit_settings(settings),
    )
    trained_until = np.max(periods.as_of[train]).astype(object)
    scores = ChurnPredictor(bundle).score(later)
    return Later(trained_until, tuple(tested), test, scores, y[test], groups[test])


def untested(periods: Periods, contract: HistoryContract) -> str | None:
    """Why there is no test on later dates, in a sentence; None where there is one."""
    if contract.label is None:
        return "There is no test on later dates: the contract declares no label."
    gap = contract.label.matures_after
    y, tested, train, test = _parted(periods, gap)
    for part, needed, which in (
        (test, LEAST_LEAVERS, f"the dates from {tested[0]} on, on which it would be tested"),
        (train, MIN_ROWS_OF_EACH_CLASS, f"the dates {gap} days or more before {tested[0]}, to learn from"),
    ):
        if rarer(y[part]) < needed:
            left = int(y[part].sum())
            return (
                f"There is no test on later dates: it needs {needed} who left and {needed} who stayed at {which}; "
                f"{left:,} left there and {int(part.sum()) - left:,} stayed."
            )
    return None


def _parted(periods: Periods, gap_days: int) -> tuple[Floats, list[date], npt.NDArray[np.bool_], npt.NDArray[np.bool_]]:
    """The labels, the dates to test on, the rows whose labels were final before these, and the rows of these."""
    y = periods.rows.column(LABEL).to_numpy().astype(np.float64)
    tested = latest_dates(periods.as_of, y == 1, ENOUGH_LEAVERS, len(periods.dates) // 3)
    return y, tested, before(periods, tested[0], gap_days), periods.as_of >= np.datetime64(tested[0], "D")


def fit_settings(settings: Settings) -> FitSettings:
    """How the settings want models fitted."""
    training = settings.training
    return FitSettings(
        learning_rate=training.learning_rate, settings_cells=training.settings_cells, threads=training.threads
    )


def _anybody_unknown(rows: pa.Table, contract: DataContract) -> bool:
    """Whether there is a customer of whom nothing optional is known, whom the model of the required features scores."""
    optional = [name for name, feature in contract.features.items() if not feature.required]
    unknown = np.ones(len(rows), dtype=bool)
    for name in optional:
        unknown &= rows.column(name).is_null().to_numpy()
    return bool(optional) and bool(unknown.any())
