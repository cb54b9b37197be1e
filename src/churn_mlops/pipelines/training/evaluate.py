"""Third phase: evaluate the model on the test set and, of a history, in a backtest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from churn_mlops.models.bundle import Bundle
from churn_mlops.models.evaluate import Estimate
from churn_mlops.models.evaluate import evaluate as metrics_of
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.models.scorers.lookup_tables import Floats
from churn_mlops.pipelines.training.backtest import Backtest, backtest, why_no_backtest
from churn_mlops.pipelines.training.context import TrainingContext
from churn_mlops.pipelines.training.prepare import PreparedData


@dataclass(frozen=True)
class Candidate:
    """A fitted model that may become champion, and how good it is.

    Args:
        prepared: what it was trained and tested on.
        bundle: the model.
        scores: churn probabilities of the test set, shape (rows,).
        metrics: of these scores, each with its interval.
        backtest: of a model of the same type and setting, None where there is none.
        no_backtest: why there is none, in a sentence; None where there is one, and of a flat table.
    """

    prepared: PreparedData
    bundle: Bundle
    scores: Floats
    metrics: Mapping[str, Estimate]
    backtest: Backtest | None = None
    no_backtest: str | None = None


def evaluate(context: TrainingContext, prepared: PreparedData, bundle: Bundle) -> Candidate:
    """``bundle`` with its metrics on the test set and, of a history, its backtest."""
    data = prepared.data
    scores = ChurnPredictor(bundle).score(data.test)
    candidate = Candidate(prepared, bundle, scores, metrics_of(data.test_y, scores, clusters=data.test_groups))
    if prepared.snapshots is None or prepared.history is None:
        return candidate
    same = replace(context.model, model_type=bundle.model_type, setting=bundle.training["setting"])
    return replace(
        candidate,
        backtest=backtest(prepared.snapshots, prepared.history, same),
        no_backtest=why_no_backtest(prepared.snapshots, prepared.history),
    )
