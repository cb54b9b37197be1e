"""The backtest of a history: a model fitted on its past, tested on later dates that the model knew nothing of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from typing import Any

import numpy as np
import pyarrow as pa

from churn_mlops.data.contract import DataContract, HistoryContract
from churn_mlops.data.engine.typed_table import LABEL
from churn_mlops.models.comparison import Comparison, compare
from churn_mlops.models.evaluate import Estimate, evaluate
from churn_mlops.models.fitting.inputs import MIN_ROWS_OF_EACH_CLASS, rarer
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats, Places
from churn_mlops.models.train import fit_bundle
from churn_mlops.monitoring.estimates import estimate_errors
from churn_mlops.pipelines.training.context import ModelSpec
from churn_mlops.pipelines.training.snapshots import LabelledSnapshots
from churn_mlops.pipelines.training.test_set import ENOUGH_CHURNERS, Mask, customer_codes, latest_dates

MIN_TESTED_OF_EACH_CLASS = 5


@dataclass(frozen=True)
class Backtest:
    """How good a model of the past was on later dates.

    Args:
        trained_until: the last as-of date of its training data.
        tested_on: the later dates.
        gap_days: days between the two at least: lead, horizon and reporting delay.
        rows: tested.
        churned: of these.
        metrics: each with its interval, clustered by customer.
        against_base_rate: the comparison with the churn rate of the training data as the score of every customer.
        estimate_errors: by metric, what came true less what the scores themselves expected.
    """

    trained_until: date
    tested_on: tuple[date, ...]
    gap_days: int
    rows: int
    churned: int
    metrics: Mapping[str, Estimate]
    against_base_rate: Comparison | None = None
    estimate_errors: Mapping[str, float] = field(default_factory=dict)

    @property
    def beats_base_rate(self) -> bool:
        """Whether the scores are better than the churn rate of the past for every customer, beyond noise."""
        return self.against_base_rate is not None and self.against_base_rate.beyond_noise

    @property
    def is_signal(self) -> bool:
        """Whether the order of the scores is better than chance, beyond noise, at the top of the list too."""
        return self.metrics["auc"].low > 0.5 and not self.misses_at_the_top

    @property
    def misses_at_the_top(self) -> bool:
        """Whether fewer churners stand in the top tenth than among all: the customers listed first stay."""
        lift = self.metrics.get("lift_top_decile")
        return lift is not None and lift.value < 1

    def to_dict(self) -> dict[str, Any]:
        """Plain data, for the record."""
        return {
            "trained_until": self.trained_until.isoformat(),
            "tested_on": [day.isoformat() for day in self.tested_on],
            "gap_days": self.gap_days,
            "customers": self.rows,
            "left": self.churned,
            "metrics": {name: asdict(estimate) for name, estimate in self.metrics.items()},
            "estimate_errors": dict(self.estimate_errors),
        }


@dataclass(frozen=True)
class BacktestScores:
    """Scores that a model of the past gives to customers at later dates.

    Args:
        trained_until: the last as-of date of its training data.
        tested_on: the later dates.
        test: which of the rows are of these dates, shape (rows,).
        scores: of the tested rows, in their order.
        churned: 1 where the customer of such a row churned, else 0.
        customers: the customer of each tested row as a whole number; a customer may have several rows.
        base_rate: churn rate of the training data.
    """

    trained_until: date
    tested_on: tuple[date, ...]
    test: Mask
    scores: Floats
    churned: Floats
    customers: Places
    base_rate: float


def backtest(snapshots: LabelledSnapshots, contract: HistoryContract, model: ModelSpec) -> Backtest | None:
    """Fit ``model`` on the dates whose labels were final before the latest ones, and evaluate it on these.

    None where the history is too short, or holds too few churners on either side: :func:`why_no_backtest` says which.
    """
    found = backtest_scores(snapshots, contract, model)
    if found is None or contract.label is None:
        return None
    return Backtest(
        trained_until=found.trained_until,
        tested_on=found.tested_on,
        gap_days=contract.label.final_after,
        rows=len(found.churned),
        churned=int(found.churned.sum()),
        metrics=evaluate(found.churned, found.scores, clusters=found.customers),
        against_base_rate=compare(
            found.churned, found.scores, np.full(len(found.churned), found.base_rate), found.customers
        ),
        estimate_errors=estimate_errors(found.scores, found.churned),
    )


def backtest_scores(snapshots: LabelledSnapshots, contract: HistoryContract, model: ModelSpec) -> BacktestScores | None:
    """The scores that :func:`backtest` evaluates; a ``model`` without a setting chooses one on the past alone.

    None where the history is too short, or holds too few churners on either side.
    """
    if contract.label is None or why_no_backtest(snapshots, contract) is not None:
        return None
    parts = _split_by_date(snapshots, contract.label.final_after)
    flat = contract.flat()
    groups = customer_codes(snapshots.rows, flat)
    features = snapshots.rows.select(list(flat.features))
    tested = features.filter(pa.array(parts.test))
    bundle = fit_bundle(
        features.filter(pa.array(parts.train)),
        parts.y[parts.train],
        flat,
        model.model_type,
        setting=model.setting,
        groups=groups[parts.train],
        seed=model.seed,
        with_core=_needs_core_model(tested, flat),
        settings=model.fit,
    )
    return BacktestScores(
        trained_until=np.max(snapshots.as_of[parts.train]).astype(object),
        tested_on=parts.dates,
        test=parts.test,
        scores=ChurnPredictor(bundle).score(tested),
        churned=parts.y[parts.test],
        customers=groups[parts.test],
        base_rate=float(parts.y[parts.train].mean()),
    )


def why_no_backtest(snapshots: LabelledSnapshots, contract: HistoryContract) -> str | None:
    """Why there is no backtest, in a sentence; None where there is one."""
    if contract.label is None:
        return "There is no test on later dates: the contract declares no label."
    gap = contract.label.final_after
    parts = _split_by_date(snapshots, gap)
    first = parts.dates[0]
    for rows, needed, which in (
        (parts.test, MIN_TESTED_OF_EACH_CLASS, f"the dates from {first} on, on which it would be tested"),
        (parts.train, MIN_ROWS_OF_EACH_CLASS, f"the dates {gap} days or more before {first}, to learn from"),
    ):
        if rarer(parts.y[rows]) < needed:
            churned = int(parts.y[rows].sum())
            return (
                f"There is no test on later dates: it needs {needed} who left and {needed} who stayed at {which}; "
                f"{churned:,} left there and {int(rows.sum()) - churned:,} stayed."
            )
    return None


@dataclass(frozen=True)
class _DateSplit:
    """Labels of all rows, the dates to test on, the rows with labels final before these, and the rows of these."""

    y: Floats
    dates: tuple[date, ...]
    train: Mask
    test: Mask


def _split_by_date(snapshots: LabelledSnapshots, gap_days: int) -> _DateSplit:
    y = snapshots.rows.column(LABEL).to_numpy().astype(np.float64)
    dates = latest_dates(snapshots.as_of, y == 1, ENOUGH_CHURNERS, len(snapshots.dates) // 3)
    test = snapshots.as_of >= np.datetime64(dates[0], "D")
    return _DateSplit(y, tuple(dates), snapshots.final_before(dates[0], gap_days), test)


def _needs_core_model(rows: pa.Table, contract: DataContract) -> bool:
    """Whether some row lacks every optional feature, so that the model of the required features scores it."""
    optional = [name for name, feature in contract.features.items() if not feature.required]
    unknown = np.ones(len(rows), dtype=bool)
    for name in optional:
        unknown &= rows.column(name).is_null().to_numpy()
    return bool(optional) and bool(unknown.any())
