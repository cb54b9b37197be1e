"""The scoring job on Spark: customers stay where they are, and the driver holds one batch of the list at a time.

Spark computes the snapshot once, validates it, scores it, puts the list in order and writes all scores as Parquet.
``docs/scale.md`` says what runs where.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from itertools import accumulate
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import pyarrow as pa
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import AS_OF, DataContract, HistoryContract
from churn_mlops.data.engine.typed_table import typed
from churn_mlops.data.snapshot.snapshot import snapshot
from churn_mlops.data.sources.spark import BATCH_ROWS, SparkAddress, deleted, explained, frame_of, listed
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.errors import ConfigError, SourceError
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.pipelines.erasure.suppression import away, tables_without
from churn_mlops.pipelines.inputs.as_of import not_loaded
from churn_mlops.pipelines.inputs.open_source import check, open_history
from churn_mlops.pipelines.inputs.score_files import CUSTOMER
from churn_mlops.pipelines.scoring.ranking import LEAVE_ALONE, OFFER, TOLD
from churn_mlops.pipelines.scoring.score import Scored, bands_of, live_model, nobody, run_date
from churn_mlops.pipelines.scoring.spark_workers import (
    SCORED_TYPES,
    ExplainBatches,
    ScoreBatches,
    Scorer,
    inputs_of,
    reason_columns,
)
from churn_mlops.retention.economics import Economics
from churn_mlops.retention.ranking import OWN_COLUMNS
from churn_mlops.store.suppression.tombstones import Tombstones

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

log = structlog.get_logger("churn_mlops.pipelines")
SNAPSHOT_VIEW = "churn_snapshot"
_PLACE = "place"
_PARTITION_BITS = 33  # of Spark's increasing ids: above them stands the partition, below the place in it
_RUN, _DAY = re.compile(r"\d{8}T\d{6}\.\d{6}Z$"), re.compile(r"\d{4}-\d{2}-\d{2}$")
_OUTPUT = (CUSTOMER, "score", "risk_band", "will_churn", "expected_gain")


@dataclass(frozen=True)
class SparkScored:
    """Customers scored on Spark.

    Args:
        scored: the totals, and the first batch of the list.
        frame: the list, best first by ``rank``, with the features that its reasons are made of; held by Spark.
        told: how many customers it holds: all who are likely to churn or worth an offer, and at least the first
            `TOLD`.
        scorer: gives the reasons.
        output: the folder that holds the scores of all runs, in a folder for each date and in that one for each run.
        written: the folder of this run.
    """

    scored: Scored
    frame: DataFrame
    told: int
    scorer: Scorer
    output: str
    written: str

    def batches(self) -> Iterator[pa.Table]:
        """The list in parts of at most `BATCH_ROWS`, each computed when asked for, as ``lists.ranked`` gives it."""
        if self.told:
            yield self.scored.customers
        contract = self.scored.champion.bundle.contract
        for first in range(BATCH_ROWS, self.told, BATCH_ROWS):
            yield _batch(self.frame, self.scorer, contract, first)

    def only_published(self, keep_days: int | None) -> None:
        """Delete the scores of other runs of the date, which nobody can tell from these, and those of dates too old.

        What cannot be deleted is in the log: the run is published by now.
        """
        session = self.frame.sparkSession
        oldest = date.min if keep_days is None else self.scored.as_of - timedelta(days=keep_days)
        place = SparkAddress(None, self.output)
        try:
            with explained(place):
                for run in listed(session, f"{self.output}/{self.scored.as_of}"):
                    if _RUN.search(run) and not run.endswith(self.written.rsplit("/", 1)[-1]):
                        deleted(session, run)
                for day in listed(session, self.output):
                    if (found := _DAY.search(day)) and date.fromisoformat(found[0]) < oldest:
                        deleted(session, day)
        except SourceError as error:
            log.warning("old scores were not deleted", reason=str(error))


@contextmanager
def scored_on_spark(
    settings: Settings, as_of: date | None = None, *, now: datetime | None = None, forgotten: Tombstones | None = None
) -> Iterator[SparkScored]:
    """Score the active customers of the source by Spark, and write all scores to ``scoring.output``.

    Each customer gets the score, the rank and the reasons that he has when one process scores the same tables. What
    Spark holds for it is given back at the end of the block.

    Args:
        settings: what to read, and how to decide; ``source.url`` leads to Spark.
        as_of: the as-of date; that of ``source.as_of`` when left out.
        now: the present moment, with a time zone: nothing later is known.
        forgotten: who is left out; asked of the store when None.

    Raises:
        ConfigError: there is no ``scoring.output``, the champion was trained on a flat table, or the date lies ahead.
        PromotionError: no model is live.
        ChurnError: the data cannot be read, or does not keep the champion's contract; or Spark fails.
    """
    now = now or datetime.now(UTC)
    champion = live_model(settings)
    history, output = _needed(settings, champion)
    place = SparkAddress.of(str(settings.source.url))
    forgotten = away(settings) if forgotten is None else forgotten
    with explained(place), ExitStack() as held:
        tables = tables_without(open_history(settings, history), history, forgotten)
        day = run_date(settings, tables, history, as_of, now)
        rows = snapshot(tables, history, [day], known_until=now)
        kept = frame_of(rows).persist()
        held.callback(kept.unpersist)
        inputs, report = _checked(kept, rows, champion.bundle.contract, day)
        missing = not_loaded(tables, history, day, now.astimezone(ZoneInfo(history.time_zone)).date())
        report = replace(report, problems=(*report.problems, *missing))
        scorer = _scorer(inputs.sparkSession, champion, settings)
        held.callback(scorer.bundle.destroy)
        scores = _scores(inputs, scorer).persist()
        held.callback(scores.unpersist)
        output = place.located(output.rstrip("/"))
        written = f"{output}/{day}/{run_name(now)}"
        _write(scores, day, written)
        kept.unpersist()
        totals = _totals(scores, settings.decision.capacity)
        placed = _sorted(scores, totals).persist()
        held.callback(placed.unpersist)
        frame = _ranked(placed, totals, settings.decision.capacity)
        first = _batch(frame, scorer, champion.bundle.contract, 0)
        scored = Scored(
            first,
            likely=totals.likely,
            worth_an_offer=totals.worth_an_offer,
            out_of_fold=False,
            version=champion.version,
            as_of=day,
            report=report,
            champion=champion,
            total=totals.customers,
        )
        yield SparkScored(scored, frame, totals.told, scorer, output, written)


def run_name(started_at: datetime) -> str:
    """The name of a run's folder of scores, by the moment when it began: ``20261123T050000.000000Z``."""
    return started_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


@dataclass(frozen=True)
class _Totals:
    """Of all customers: how many, how many are likely, gain by an offer, are worth one, and stand in the list."""

    customers: int
    likely: int
    gaining: int
    worth_an_offer: int

    @property
    def told(self) -> int:
        """Length of the list: both kinds have the highest scores, so that the longer of them holds the other."""
        return min(self.customers, max(self.likely, self.worth_an_offer, TOLD))


def _needed(settings: Settings, champion: LiveModel) -> tuple[HistoryContract, str]:
    history, output = champion.bundle.history, settings.scoring.output
    if history is None:
        raise ConfigError(
            f"the model that is live, version {champion.version}, was trained on a flat table: scoring on Spark needs "
            "a contract with a history (docs/history.md)"
        )
    if output is None:
        raise ConfigError(
            "scoring.output is not set: a run on Spark writes all scores there, as Parquet; give a folder that every "
            "executor reaches, such as s3a://bucket/scores"
        )
    return history, output


def _checked(kept: DataFrame, rows: ir.Table, contract: DataContract, day: date) -> tuple[DataFrame, ValidationReport]:
    """The snapshot ``kept``, found to keep its contract, as the customer and the inputs of the model."""
    if not kept.count():
        raise nobody(day)
    kept.createOrReplaceTempView(SNAPSHOT_VIEW)
    checked = check(rows.get_backend().table(SNAPSHOT_VIEW).drop(AS_OF), contract)
    cells = typed(checked.table, contract)
    names = dict(zip(contract.features, inputs_of(len(contract.features)), strict=True))
    customer = cells[str(contract.customer)].name(CUSTOMER)
    return frame_of(cells.select(customer, *(cells[old].name(new) for old, new in names.items()))), checked.report


def _scorer(session: SparkSession, champion: LiveModel, settings: Settings) -> Scorer:
    return Scorer(
        session.sparkContext.broadcast(champion.bundle.to_bytes()),
        threshold=settings.decision.threshold,
        bands=bands_of(settings),
        economics=Economics(**settings.decision.economics()),
    )


def _scores(inputs: DataFrame, scorer: Scorer) -> DataFrame:
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructType

    added = from_arrow_schema(pa.schema(list(SCORED_TYPES.items())))
    return inputs.mapInArrow(ScoreBatches(scorer), StructType([*inputs.schema.fields, *added.fields]))


def _write(scores: DataFrame, day: date, path: str) -> None:
    from pyspark.sql import functions as sf

    customer, *others = _OUTPUT
    scores.select(customer, sf.lit(day).alias("as_of"), *others).write.mode("overwrite").parquet(path)


def _totals(scores: DataFrame, capacity: int | None) -> _Totals:
    from pyspark.sql import functions as sf

    found = scores.agg(sf.count("*"), sf.count_if("will_churn"), sf.count_if("gains")).first()
    customers, likely, gaining = found if found is not None else (0, 0, 0)
    return _Totals(customers, likely, gaining, gaining if capacity is None else min(gaining, capacity))


def _sorted(scores: DataFrame, totals: _Totals) -> DataFrame:
    """Those who may stand in the list, best first, with `_PLACE`; ties are broken by the customer, byte by byte."""
    from pyspark.sql import functions as sf

    best_first = [sf.desc("score"), sf.asc(CUSTOMER)]
    if max(totals.likely, totals.gaining) >= totals.told:
        chosen = scores.filter("will_churn OR gains").orderBy(*best_first)
    else:  # a few more than those, for people to look at
        chosen = scores.orderBy(*best_first).limit(totals.told).orderBy(*best_first)
    return chosen.withColumn(_PLACE, sf.monotonically_increasing_id())


def _ranked(placed: DataFrame, totals: _Totals, capacity: int | None) -> DataFrame:
    """The list with ``rank`` and ``action``: of each partition of the sorted rows it is counted how many go before it.

    A rank by a window would take all rows through one task.
    """
    from pyspark.sql import functions as sf

    partition = sf.shiftright(_PLACE, _PARTITION_BITS)
    counts = {row[0]: row[1] for row in placed.groupBy(partition).count().collect()}
    sizes = [counts.get(place, 0) for place in range(max(counts, default=0) + 1)]
    before = sf.array(*(sf.lit(rows).cast("long") for rows in accumulate([0, *sizes[:-1]])))
    within = sf.col(_PLACE).bitwiseAND(sf.lit((1 << _PARTITION_BITS) - 1))
    rank = sf.element_at(before, (partition + 1).cast("int")) + within + 1
    offered = sf.col("gains") & (sf.col("rank") <= (totals.customers if capacity is None else capacity))
    action = sf.when(offered, OFFER).otherwise(LEAVE_ALONE)
    return placed.withColumn("rank", rank).filter(sf.col("rank") <= totals.told).withColumn("action", action)


def _batch(frame: DataFrame, scorer: Scorer, contract: DataContract, first: int) -> pa.Table:
    """The customers of the list after the first ``first`` of them, a batch of them, with their reasons."""
    from pyspark.sql.types import StringType, StructField, StructType

    inputs = inputs_of(len(contract.features))
    reasons = reason_columns(len(inputs))
    rows = frame.filter(f"rank > {first} AND rank <= {first + BATCH_ROWS}").drop(_PLACE, "gains")
    kept = [one for one in rows.schema.fields if one.name not in inputs]
    schema = StructType([*kept, *(StructField(name, StringType()) for name in reasons)])
    found = rows.mapInArrow(ExplainBatches(scorer), schema).toArrow().sort_by("rank")
    customer = str(contract.customer)
    name = CUSTOMER if customer in OWN_COLUMNS else customer
    columns = ["rank", CUSTOMER, "score", "risk_band", "will_churn", "action", "expected_gain", *reasons]
    return pa.table({name if one == CUSTOMER else one: found.column(one) for one in columns})
