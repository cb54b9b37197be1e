"""Final labels from Spark for the customers whose predictions are in the store, one batch at a time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date

import ibis.expr.types as ir
import pyarrow as pa

from churn_mlops.data.contract import LEFT, HistoryContract
from churn_mlops.data.snapshot.final_labels import labels_of
from churn_mlops.data.sources.spark import SparkAddress, explained, frame_of
from churn_mlops.store import Store
from churn_mlops.store.scoring.outcomes import Labels
from churn_mlops.store.scoring.predictions import prediction_batches


def labels_from_spark(
    address: str, store: Store, tables: Mapping[str, ir.Table], contract: HistoryContract, day: date
) -> Iterator[Labels]:
    """The labels of the list of ``day``. Customers below the list are not in the store, and their labels stay on Spark.

    Args:
        address: of Spark, for errors.
        store: holds the predictions of ``day``.
        tables: the history, on Spark.
        contract: of the history.
        day: a published date whose labels are final.

    Raises:
        SourceError: Spark fails.
    """
    with explained(SparkAddress.of(address)):
        from pyspark.sql import functions as sf

        labels = frame_of(labels_of(tables, contract, day)).persist()
        try:
            for batch in prediction_batches(store, day):
                wanted = pa.table({contract.customer: pa.array(batch.customer, pa.string())})
                names = labels.sparkSession.createDataFrame(wanted)
                found = labels.join(sf.broadcast(names), contract.customer, "left_semi").toArrow()
                left = [None if text is None else text == "yes" for text in found.column(LEFT).to_pylist()]
                yield Labels(found.column(contract.customer).to_pylist(), left)
        finally:
            labels.unpersist()
