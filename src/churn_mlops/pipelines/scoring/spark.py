"""The scoring job on Spark: customers stay on the executors, and the driver holds one batch of the list at a time.

Spark computes the snapshot once, validates it, scores it, ranks the customers of the list and writes all scores as
Parquet. ``docs/scale.md`` says what runs where.
"""

from __future__ import annotations

import json
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
from churn_mlops.data.snapshot.date_range import newest_row
from churn_mlops.data.snapshot.snapshot import snapshot
from churn_mlops.data.sources.spark import BATCH_ROWS, SparkAddress, deleted, explained, frame_of, listed
from churn_mlops.data.validation.validate import ValidationReport
from churn_mlops.errors import ConfigError, SourceError
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.feature_counts import FeatureCounts, added
from churn_mlops.pipelines.erasure.suppression import away, tables_without
from churn_mlops.pipelines.inputs.as_of import not_loaded
from churn_mlops.pipelines.inputs.open_source import check, open_history
from churn_mlops.pipelines.inputs.renewal import no_renewal
from churn_mlops.pipelines.inputs.score_files import CUSTOMER
from churn_mlops.pipelines.scoring.households import households_in
from churn_mlops.pipelines.scoring.reasons import reason_columns
from churn_mlops.pipelines.scoring.score import Scored, live_model, no_customers, run_date
from churn_mlops.pipelines.scoring.spark_workers import (
    COUNTED,
    SCORED_TYPES,
    ExplainBatches,
    ScoreBatches,
    Scorer,
    inputs_of,
)
from churn_mlops.retention.decision import DecisionRule, rule_of
from churn_mlops.retention.economics import LEAVE_ALONE, OFFER
from churn_mlops.retention.ranking import BEST_FIRST, ListTotals, customer_column
from churn_mlops.store.suppression.tombstones import Tombstones

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

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
        length: how many customers it holds: ``ListTotals.explained``.
        scorer: gives the reasons.
        output: the folder that holds the scores of all runs, in a folder for each date and in that one for each run.
        written: the folder of this run.
    """

    scored: Scored
    frame: DataFrame
    length: int
    scorer: Scorer
    output: str
    written: str

    def batches(self) -> Iterator[pa.Table]:
        """The list in parts of at most `BATCH_ROWS`, each computed when asked for; columns as in ``list_table``."""
        if self.length:
            yield self.scored.customers
        contract = self.scored.champion.bundle.contract
        for first in range(BATCH_ROWS, self.length, BATCH_ROWS):
            yield _batch(self.frame, self.scorer, contract, first)

    def listed(self) -> pa.Table:
        """Rank, customer and score of the whole list, best first: the driver decides who of them gets an offer."""
        name = self.scored.customer_column
        found = self.frame.select("rank", CUSTOMER, "score").toArrow().sort_by("rank")
        return found.rename_columns(["rank", name, "score"])

    def only_published(self, keep_days: int | None) -> None:
        """Delete the scores of other runs of the date, which look like these, and those of dates too old.

        A failure is logged only: the run is already published.
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
            log.warning("score_deletion_failed", reason=str(error))


@contextmanager
def scored_on_spark(
    settings: Settings, as_of: date | None = None, *, now: datetime | None = None, suppressed: Tombstones | None = None
) -> Iterator[SparkScored]:
    """Score the active customers of the source by Spark, and write all scores to ``scoring.output``.

    Each customer gets the same score, rank and reasons as in a run of one process on the same tables. Spark's memory is
    released at the end of the block.

    Args:
        settings: what to read, and how to decide; ``source.url`` leads to Spark.
        as_of: the as-of date; that of ``source.as_of`` when left out.
        now: the present, with a time zone: nothing recorded later counts.
        suppressed: customers that are left out; asked of the store when None.

    Raises:
        ConfigError: there is no ``scoring.output``, the champion was trained on a flat table, or the date lies ahead.
        PromotionError: no model is live.
        ChurnError: the data cannot be read, or does not keep the champion's contract; or Spark fails.
    """
    now = now or datetime.now(UTC)
    champion = live_model(settings)
    history, output = _needed(settings, champion)
    place = SparkAddress.of(str(settings.source.url))
    suppressed = away(settings) if suppressed is None else suppressed
    with explained(place), ExitStack() as held:
        tables = tables_without(open_history(settings.source, history), history, suppressed)
        day = run_date(settings, tables, history, as_of, now)
        rows = snapshot(tables, history, [day], known_until=now)
        kept = frame_of(rows).persist()
        held.callback(kept.unpersist)
        inputs, report = _checked(kept, rows, champion.bundle.contract, day)
        today = now.astimezone(ZoneInfo(history.time_zone)).date()
        newest = newest_row(tables, history, today)
        missing = not_loaded(tables, history, day, today, newest)
        report = replace(report, problems=(*report.problems, *missing, *no_renewal(tables, history)))
        rule = rule_of(settings.decision)
        scorer = Scorer(inputs.sparkSession.sparkContext.broadcast(champion.bundle.to_bytes()), rule)
        held.callback(scorer.bundle.destroy)
        scores = _scores(inputs, scorer).persist()
        held.callback(scores.unpersist)
        output = place.located(output.rstrip("/"))
        written = f"{output}/{day}/{run_name(now)}"
        _write(scores, day, written)
        kept.unpersist()
        totals = _totals(scores, rule)
        placed = _best_first(scores.drop(COUNTED), totals).persist()
        held.callback(placed.unpersist)
        frame = _ranked(placed, totals, rule)
        first = _batch(frame, scorer, champion.bundle.contract, 0)
        scored = Scored(
            first,
            likely=totals.likely,
            worth_an_offer=totals.on_contact_list,
            out_of_fold=False,
            version=champion.version,
            as_of=day,
            report=report,
            champion=champion,
            total=totals.customers,
            newest_row=newest,
            households=households_in(tables[history.customers], history.customer, history.household),
            payment_failed=_failed_payments(settings, frame, champion.bundle.contract),
            feature_counts=_counts(scores),
        )
        yield SparkScored(scored, frame, totals.explained, scorer, output, written)


def run_name(started_at: datetime) -> str:
    """The name of a run's folder of scores, by its start: ``20261123T050000.000000Z``."""
    return started_at.astimezone(UTC).strftime("%Y%m%dT%H%M%S.%fZ")


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
    """Validate the snapshot ``kept``; return the customer and the inputs of the model, and what was found."""
    if not kept.count():
        raise no_customers(day)
    kept.createOrReplaceTempView(SNAPSHOT_VIEW)
    checked = check(rows.get_backend().table(SNAPSHOT_VIEW).drop(AS_OF), contract)
    cells = typed(checked.table, contract)
    names = dict(zip(contract.features, inputs_of(len(contract.features)), strict=True))
    customer = cells[str(contract.customer)].name(CUSTOMER)
    return frame_of(cells.select(customer, *(cells[old].name(new) for old, new in names.items()))), checked.report


def _scores(inputs: DataFrame, scorer: Scorer) -> DataFrame:
    from pyspark.sql.pandas.types import from_arrow_schema
    from pyspark.sql.types import StructType

    added = from_arrow_schema(pa.schema(list(SCORED_TYPES.items())))
    return inputs.mapInArrow(ScoreBatches(scorer), StructType([*inputs.schema.fields, *added.fields]))


def _write(scores: DataFrame, day: date, path: str) -> None:
    from pyspark.sql import functions as sf

    customer, *others = _OUTPUT
    scores.select(customer, sf.lit(day).alias("as_of"), *others).write.mode("overwrite").parquet(path)


def _totals(scores: DataFrame, rule: DecisionRule) -> ListTotals:
    from pyspark.sql import functions as sf

    found = scores.agg(sf.count("*"), sf.count_if("will_churn"), sf.count_if("worth_an_offer")).first()
    customers, likely, worth = found if found is not None else (0, 0, 0)
    return ListTotals.of(customers, likely, worth, rule)


def _counts(scores: DataFrame) -> FeatureCounts:
    """The customers in each cell of the reference, added up over the batches that were scored."""
    of_batches = scores.filter(f"{COUNTED} IS NOT NULL").select(COUNTED).toArrow()
    return added([json.loads(text) for text in of_batches.column(COUNTED).to_pylist()])


def _best_first(scores: DataFrame, totals: ListTotals) -> DataFrame:
    """The customers of the list, and maybe more, best first, with `_PLACE`; equal scores by customer, byte by byte."""
    from pyspark.sql import functions as sf

    columns, ascending = list(BEST_FIRST), list(BEST_FIRST.values())
    if max(totals.likely, totals.worth_an_offer) >= totals.explained:
        chosen = scores.filter("will_churn OR worth_an_offer").orderBy(columns, ascending=ascending)
    else:  # a few more than those, for people to look at
        top = scores.orderBy(columns, ascending=ascending).limit(totals.explained)
        chosen = top.orderBy(columns, ascending=ascending)
    return chosen.withColumn(_PLACE, sf.monotonically_increasing_id())


def _ranked(placed: DataFrame, totals: ListTotals, rule: DecisionRule) -> DataFrame:
    """The list with ``rank`` and ``action``. A rank is the place in a partition after the sizes of those before it.

    A rank by a window would take all rows through one task.
    """
    from pyspark.sql import functions as sf

    partition = sf.shiftright(_PLACE, _PARTITION_BITS)
    counts = {row[0]: row[1] for row in placed.groupBy(partition).count().collect()}
    sizes = [counts.get(place, 0) for place in range(max(counts, default=0) + 1)]
    before = sf.array(*(sf.lit(rows).cast("long") for rows in accumulate([0, *sizes[:-1]])))
    within = sf.col(_PLACE).bitwiseAND(sf.lit((1 << _PARTITION_BITS) - 1))
    rank = sf.element_at(before, (partition + 1).cast("int")) + within + 1
    on_contact_list = rule.on_contact_list(sf.col("worth_an_offer"), sf.col("rank"))
    action = sf.when(on_contact_list, OFFER).otherwise(LEAVE_ALONE)
    return placed.withColumn("rank", rank).filter(sf.col("rank") <= totals.explained).withColumn("action", action)


def _failed_payments(settings: Settings, frame: DataFrame, contract: DataContract) -> frozenset[str]:
    """IDs of the customers of the list whose payment failed, by the feature that the settings name."""
    feature = settings.decision.payment_failed
    if feature is None:
        return frozenset()
    if feature not in contract.features:
        raise ConfigError(f"decision.payment_failed names {feature!r}, which is no feature of the live model")
    column = inputs_of(len(contract.features))[list(contract.features).index(feature)]
    found = frame.filter(f"CAST({column} AS DOUBLE) > 0").select(CUSTOMER).toArrow()
    return frozenset(map(str, found.column(CUSTOMER).to_pylist()))


def _batch(frame: DataFrame, scorer: Scorer, contract: DataContract, first: int) -> pa.Table:
    """One batch of the list with its reasons: the customers after rank ``first``."""
    from pyspark.sql.types import StringType, StructField, StructType

    inputs = inputs_of(len(contract.features))
    reasons = reason_columns(len(inputs))
    rows = frame.filter(f"rank > {first} AND rank <= {first + BATCH_ROWS}").drop(_PLACE, "worth_an_offer")
    kept = [one for one in rows.schema.fields if one.name not in inputs]
    schema = StructType([*kept, *(StructField(name, StringType()) for name in reasons)])
    found = rows.mapInArrow(ExplainBatches(scorer), schema).toArrow().sort_by("rank")
    name = customer_column(contract.customer)
    columns = ["rank", CUSTOMER, "score", "risk_band", "will_churn", "action", "expected_gain", *reasons]
    return pa.table({name if one == CUSTOMER else one: found.column(one) for one in columns})
