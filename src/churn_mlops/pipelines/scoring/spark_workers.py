"""The scoring of a batch of customers on Spark's executors: the same model, decisions and words as in one process.

A worker imports this module, so it reaches only what scoring needs: no Ibis, no MLflow, no store.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import ChurnPredictor
from churn_mlops.pipelines.scoring.reasons import reasons_of
from churn_mlops.retention.decision import DecisionRule
from churn_mlops.retention.ranking import decide

if TYPE_CHECKING:
    from pyspark.core.broadcast import Broadcast

COUNTED = "counted"
"""The first row of each batch has the counts of the batch by feature, as JSON, so that customers are read only once."""
SCORED_TYPES = {
    "score": pa.float64(),
    "risk_band": pa.string(),
    "will_churn": pa.bool_(),
    "worth_an_offer": pa.bool_(),
    "expected_gain": pa.float64(),
    COUNTED: pa.string(),
}
"""The columns that scoring adds to a row, in this order."""


def inputs_of(features: int) -> list[str]:
    """The columns of the features of a contract, in its order, under names that no other column has."""
    return [f"f{place}" for place in range(features)]


@dataclass(frozen=True)
class Scorer:
    """All that an executor needs to score, sent to each once.

    Args:
        bundle: the bytes of the model bundle.
        rule: what decides about each customer.
    """

    bundle: Broadcast[bytes]
    rule: DecisionRule

    def predictor(self) -> ChurnPredictor:
        """The predictor, checked against the bundle's recorded scores on this machine too."""
        return ChurnPredictor(Bundle.from_bytes(self.bundle.value))


@dataclass(frozen=True)
class ScoreBatches:
    """Adds `SCORED_TYPES` to the rows of a partition, one batch in memory at a time."""

    scorer: Scorer

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows, with what follows from their scores."""
        predictor = self.scorer.predictor()
        for batch in batches:
            scores, counts = predictor.score_and_count(_features(batch, predictor))
            found = decide(scores, self.scorer.rule)
            counted = [json.dumps(counts) if row == 0 else None for row in range(len(scores))]
            columns = (scores, found.risk_band, found.will_churn, found.worth_an_offer, found.expected_gain, counted)
            added = [pa.array(column, kind) for column, kind in zip(columns, SCORED_TYPES.values(), strict=True)]
            yield pa.RecordBatch.from_arrays([*batch.columns, *added], names=[*batch.schema.names, *SCORED_TYPES])


@dataclass(frozen=True)
class ExplainBatches:
    """Replaces the features of customers by their reasons."""

    scorer: Scorer

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows, with columns of reasons instead of features."""
        predictor = self.scorer.predictor()
        inputs = set(inputs_of(len(predictor.contract.features)))
        for batch in batches:
            features = _features(batch, predictor)
            reasons = reasons_of(features, predictor.explain(features)[1], predictor.contract)
            kept = [name for name in batch.schema.names if name not in inputs]
            columns = [batch.column(name) for name in kept]
            texts = [pa.array(column, pa.string()) for column in reasons.values()]
            yield pa.RecordBatch.from_arrays([*columns, *texts], names=[*kept, *reasons])


def _features(batch: pa.RecordBatch, predictor: ChurnPredictor) -> pa.Table:
    names = list(predictor.contract.features)
    columns = [batch.column(name) for name in inputs_of(len(names))]
    return pa.Table.from_arrays(columns, names=names)
