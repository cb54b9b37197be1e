"""The daily run: score a date, and publish it to the operational store, all of it or nothing."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import partial

import pyarrow as pa
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.sources.spark import is_spark, spark_running
from churn_mlops.errors import StoreBusyError
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.bundle_cache import LiveModel
from churn_mlops.models.fit_settings import Progress
from churn_mlops.pipelines.deployment.shadow import ShadowScores, SnapshotBy, shadow_of, shadow_scores
from churn_mlops.pipelines.erasure.suppression import ErasedMeanwhileError, no_erasure_since, suppressed_customers
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.pipelines.scoring.contact_list import CAMPAIGN, WHY_NOT, ListTime, contact_list, shown
from churn_mlops.pipelines.scoring.score import Scored, live_model, score
from churn_mlops.pipelines.scoring.spark import scored_on_spark
from churn_mlops.retention.ranking import REASONS
from churn_mlops.store import Store, open_store
from churn_mlops.store.database.run_lock import HeldLock, scoring_lock
from churn_mlops.store.prediction_log import delete_records_before
from churn_mlops.store.scoring.predictions import Predictions
from churn_mlops.store.scoring.publishing import publish
from churn_mlops.store.scoring.runs import NewRun, Run, latest_run, retain
from churn_mlops.store.suppression.tombstones import Tombstones

log = structlog.get_logger("churn_mlops.pipelines")
BATCH_ROWS = 50_000
NEVER = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class Published:
    """The scores of a daily run, the run in the store, and the dates whose predictions were deleted by age."""

    scored: Scored
    run: Run
    deleted: tuple[date, ...] = ()


@recorded("score")
def run_day(
    settings: Settings,
    as_of: date | None = None,
    *,
    now: datetime | None = None,
    last_published: datetime | None = None,
    progress: Progress | None = None,
) -> Published:
    """Score one date and publish it in place of what was published for it; then delete what is too old to keep.

    Args:
        settings: source, decision and store.
        as_of: the date; that of ``source.as_of`` when left out.
        now: the present, with a time zone: nothing recorded later counts.
        last_published: when the latest date was published, as the caller knew when it decided to run; ``NEVER`` if
            none was. If the store says otherwise, another run was quicker, and nothing is done.
        progress: called with (fits done, fits in all), where models are fitted.

    Raises:
        StoreBusyError: another run is at work, or was quicker.
        ChurnError: the validation says stop, or something failed; what was published before stays as it is.
    """
    now = now or datetime.now(UTC)
    live_model(settings)  # without one, no store is made
    with open_store(settings.store.url) as store, scoring_lock(store) as lock:
        if last_published is not None:
            _check_no_other_run(store, last_published)
        scored, run = _published(settings, as_of, now, store, lock, progress)
        newest = latest_run(store)
        if as_of is None and newest is not None and newest.as_of > run.as_of:
            why = "the pages keep the newer list: has the source lost its newest rows?"
            log.warning("older_list_published", as_of=run.as_of, newer=newest.as_of, consequence=why)
        keep = settings.store.keep_days
        deleted = () if keep is None else tuple(retain(store, run.as_of - timedelta(days=keep)))
        keep_answers = settings.store.keep_answers_days
        if keep_answers is not None:
            delete_records_before(store, now - timedelta(days=keep_answers))
    return Published(scored, run, deleted)


def backfill(settings: Settings, first: date, last: date, *, now: datetime | None = None) -> Iterator[Published]:
    """:func:`run_day` for each date from ``first`` to ``last``; yields each after it is published."""
    for place in range((last - first).days + 1):
        yield run_day(settings, first + timedelta(days=place), now=now)


def fingerprint(bundle: Bundle) -> str:
    """SHA-256 of the contract that the customers were read by."""
    contract = bundle.history or bundle.contract
    return hashlib.sha256(json.dumps(contract.to_dict(), sort_keys=True).encode()).hexdigest()


def _check_no_other_run(store: Store, last_published: datetime) -> None:
    latest = latest_run(store)
    if latest is not None and latest.finished_at != last_published:
        raise StoreBusyError(
            f"another run published {latest.as_of} at {latest.finished_at:%Y-%m-%d %H:%M:%S UTC}, when this one was "
            "about to begin: see whether that is enough"
        )


def _new_run(scored: Scored, now: datetime, *, asked_for: bool) -> NewRun:
    bundle, second = scored.champion.bundle, scored.shadow
    return NewRun(
        as_of=scored.as_of,
        known_until=now,
        model_version=scored.version,
        model_sha256=bundle.sha256,
        contract_fingerprint=fingerprint(bundle),
        started_at=now,
        warnings=tuple(str(problem) for problem in scored.report.problems),
        asked_for=asked_for,
        newest_row=scored.newest_row,
        shadow_version=None if second is None else second.shadow.version,
        shadow_sha256=None if second is None else second.shadow.sha256,
        shadow_seconds=None if second is None else second.seconds,
    )


def _published(
    settings: Settings, as_of: date | None, now: datetime, store: Store, lock: HeldLock, progress: Progress | None
) -> tuple[Scored, Run]:
    """Score and publish. If a customer is erased meanwhile, start again: they are in what was read before."""
    while True:
        suppressed = suppressed_customers(settings, store)
        check_erasures = no_erasure_since(store, suppressed)

        def check(check_erasures: Callable[[], None] = check_erasures) -> None:
            lock.check()
            check_erasures()

        try:
            if is_spark(settings.source.url):
                return _publish_from_spark(settings, as_of, now, store, suppressed, check)
            scored = score(
                settings,
                as_of,
                now=now,
                suppressed=suppressed,
                score_shadow=partial(_scored_in_shadow, settings, store, now),
                progress=progress,
            )
            new = _new_run(scored, now, asked_for=as_of is not None)
            made = ListTime.of(scored.as_of, now, asked_for=as_of is not None)
            decided = contact_list(settings, store, scored, made, scored.active)
            published = decided.published(scored.active)
            if scored.explainer is not None:
                published = scored.explainer.explained(published, decided.plan.offer)
            run = publish(
                store,
                new,
                published_batches(published, scored.shadow),
                assignments=decided.assignments,
                feature_counts=scored.feature_counts,
                check=check,
            )
            return shown(scored, decided, published), run
        except ErasedMeanwhileError:
            log.info("run_restarted", reason="a customer was erased meanwhile", as_of=as_of)


def _publish_from_spark(
    settings: Settings,
    as_of: date | None,
    now: datetime,
    store: Store,
    suppressed: Tombstones,
    check: Callable[[], None],
) -> tuple[Scored, Run]:
    with spark_running(settings.source.url), scored_on_spark(settings, as_of, now=now, suppressed=suppressed) as found:
        scored = found.scored
        new = _new_run(scored, now, asked_for=as_of is not None)
        made = ListTime.of(scored.as_of, now, asked_for=as_of is not None)
        decided = contact_list(settings, store, scored, made, found.listed())
        listed = (batch for table in found.batches() for batch in published_batches(decided.published(table)))
        run = publish(
            store,
            new,
            listed,
            customers=scored.total,
            assignments=decided.assignments,
            feature_counts=scored.feature_counts,
            check=check,
        )
        found.only_published(settings.store.keep_days)
        scored = shown(scored, decided, decided.published(scored.customers))
    return scored, run


def _scored_in_shadow(
    settings: Settings, store: Store, now: datetime, champion: LiveModel, snapshot_by: SnapshotBy
) -> ShadowScores | None:
    """The scores of the model in the shadow; of a flat table none, since no one learns when its customers left."""
    history = champion.bundle.history
    if history is None:
        return None
    shadow = shadow_of(store, settings, champion.bundle.sha256, now)
    return None if shadow is None else shadow_scores(store, shadow, history, snapshot_by)


def published_batches(customers: pa.Table, second: ShadowScores | None = None) -> Iterator[Predictions]:
    """The decided customers of a list, as the store takes them; ``second`` holds other scores, by rank."""
    name = customers.column_names[1]
    reasons = [column for column in customers.column_names if column.startswith("reason_")][:REASONS]
    for first in range(0, len(customers), BATCH_ROWS):
        rows = customers.slice(first, BATCH_ROWS)
        texts = zip(*(rows.column(column).to_pylist() for column in reasons), strict=True)
        yield Predictions(
            customer=[str(customer) for customer in rows.column(name).to_pylist()],
            rank=rows.column("rank"),
            score=rows.column("score"),
            will_churn=rows.column("will_churn"),
            risk_band=rows.column("risk_band"),
            action=rows.column("action"),
            expected_gain=rows.column("expected_gain"),
            reasons=[[text for text in row if text] or None for row in texts],
            campaign_id=rows.column(CAMPAIGN),
            why_not=rows.column(WHY_NOT),
            shadow_score=None if second is None else second.scores[rows.column("rank").to_numpy() - 1],
        )
