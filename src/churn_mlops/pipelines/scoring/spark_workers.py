"""What Spark's workers do with a batch of customers: the same scorer and the same words as in one process.

A worker imports this module, so it reaches nothing that scoring does not need: no Ibis, no MLflow, no store.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pyarrow as pa

from churn_mlops.models.bundle import Bundle
from churn_mlops.models.inference import Bands, ChurnPredictor
from churn_mlops.pipelines.scoring.ranking import reasons_of, verdicts
from churn_mlops.retention.economics import Economics
from churn_mlops.retention.ranking import REASONS

if TYPE_CHECKING:
    from pyspark.core.broadcast import Broadcast

SCORED_TYPES = {
    "score": pa.float64(),
    "risk_band": pa.string(),
    "will_churn": pa.bool_(),
    "gains": pa.bool_(),
    "expected_gain": pa.float64(),
}
"""What scoring adds to a row, in this order."""


def inputs_of(features: int) -> list[str]:
    """The columns of the features of a contract, in its order: names that no column of ours has."""
    return [f"f{place}" for place in range(features)]


@dataclass(frozen=True)
class Scorer:
    """What a worker needs to score, sent to each once.

    Args:
        bundle: the bytes of the model bundle.
        threshold: score from which a customer counts as likely to churn.
        bands: where medium and high risk begin.
        economics: what an offer costs and earns.
    """

    bundle: Broadcast[bytes]
    threshold: float
    bands: Bands
    economics: Economics

    def predictor(self) -> ChurnPredictor:
        """The predictor, checked against the bundle's recorded scores on this machine too."""
        return ChurnPredictor(Bundle.from_bytes(self.bundle.value), threshold=self.threshold, bands=self.bands)


@dataclass(frozen=True)
class ScoreBatches:
    """Adds `SCORED_TYPES` to the rows of a partition, one batch in memory at a time."""

    scorer: Scorer

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows, with what follows from their scores."""
        predictor = self.scorer.predictor()
        for batch in batches:
            scores = predictor.score(_features(batch, predictor))
            found = verdicts(scores, predictor, self.scorer.economics)
            columns = (scores, found.risk_band, found.will_churn, found.gains, found.expected_gain)
            added = [pa.array(column, kind) for column, kind in zip(columns, SCORED_TYPES.values(), strict=True)]
            yield pa.RecordBatch.from_arrays([*batch.columns, *added], names=[*batch.schema.names, *SCORED_TYPES])


@dataclass(frozen=True)
class ExplainBatches:
    """Puts the reasons of customers in the place of their features."""

    scorer: Scorer

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """The same rows, with `reason_columns` instead of features."""
        predictor = self.scorer.predictor()
        kept_out = set(inputs_of(len(predictor.contract.features)))
        for batch in batches:
            features = _features(batch, predictor)
            values = {name: features.column(name).to_pylist() for name in features.column_names}
            reasons = reasons_of(values, predictor.explain(features)[1], predictor.contract)
            kept = [name for name in batch.schema.names if name not in kept_out]
            columns = [batch.column(name) for name in kept]
            texts = [pa.array(column, pa.string()) for column in reasons.values()]
            yield pa.RecordBatch.from_arrays([*columns, *texts], names=[*kept, *reasons])


def reason_columns(features: int) -> list[str]:
    """The columns of reasons of a contract with so many features."""
    return [f"reason_{place + 1}" for place in range(min(REASONS, features))]


def _features(batch: pa.RecordBatch, predictor: ChurnPredictor) -> pa.Table:
    names = list(predictor.contract.features)
    columns = [batch.column(name) for name in inputs_of(len(names))]
    return pa.Table.from_arrays(columns, names=names)
