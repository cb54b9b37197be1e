"""The job that measures: every figure of the dashboard, from the store and the source, kept under today's date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.monitoring import (
    Arms,
    CampaignCosts,
    ListContact,
    Measurement,
    customers_at_risk,
    list_today,
    list_use,
    revenue_at_risk,
    roi,
    run_age,
    score_drift,
    success,
)
from churn_mlops.pipelines.deployment.deploy import champion
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.pipelines.monitoring.labelled_figures import LabelledFigures, stored
from churn_mlops.pipelines.monitoring.run_features import drift_of_features
from churn_mlops.pipelines.monitoring.segments import segment_features
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.arm_outcomes import arm_outcomes
from churn_mlops.store.campaigns.campaigns import campaigns
from churn_mlops.store.measurements import (
    LIST_DAYS,
    MeasuredDay,
    StoredMeasurement,
    drop_measurements_after,
    latest_measurements,
    record_measurements,
)
from churn_mlops.store.scoring.run_scores import list_use_between, run_scores, runs_since
from churn_mlops.store.scoring.runs import Run, latest_run

log = structlog.get_logger("churn_mlops.pipelines")


@recorded("monitor")
def measure(settings: Settings, *, now: datetime | None = None) -> MeasuredDay:
    """Measure every figure of the dashboard, and keep it in place of what was measured on the same date.

    Args:
        settings: source, contract, store and decision.
        now: the present, with a time zone.

    Returns:
        the figures as the store keeps them.

    Raises:
        ChurnError: the source or the store fails; what was measured before stays.
    """
    now = now or datetime.now(UTC)
    contract = load_contract(settings.contract.path)
    zone = contract.time_zone if isinstance(contract, HistoryContract) else "UTC"
    today = now.astimezone(ZoneInfo(zone)).date()
    with open_store(settings.store.url) as store:
        drop_measurements_after(store, today)
        before = latest_measurements(store)
        if before is not None and before.measured_at > now:  # the clock was ahead: what changed since is not known
            before = None
        figures = [*_of_scores(settings, store, now), *_of_campaigns(settings, store)]
        figures += _of_lists(store, today, ZoneInfo(zone))
        if isinstance(contract, HistoryContract) and contract.label is not None:
            segment_features(contract, settings.monitoring.segments)  # a slip is refused before anything is measured
            labelled = LabelledFigures(settings, store, contract, contract.label, before)
            figures += [*labelled.all(), *labelled.shadow(now)]
        record_measurements(store, today, figures, clock=lambda: now)
        measured = latest_measurements(store)
    if measured is None:  # not even the age of the newest run
        raise AssertionError("nothing was measured")
    log.info("dashboard_measured", date=str(today), figures=len(figures))
    return measured


def _of_scores(settings: Settings, store: Store, now: datetime) -> list[StoredMeasurement]:
    """Risk, drift and age, by the newest run."""
    run = latest_run(store)
    if run is None or run.deleted_at is not None:
        return stored([run_age(None if run is None else run.finished_at, now)], None)
    scores = np.concatenate([np.zeros(0), *(batch.score for batch in run_scores(store, run))])
    part = str(run.as_of)
    found = [
        run_age(run.finished_at, now),
        customers_at_risk(scores, settings.decision.threshold, part),
        revenue_at_risk(scores, settings.decision.customer_value, part),
    ]
    bundle = _bundle_of(settings, run)
    if bundle is not None:
        reference = bundle.reference["scores"]
        found.append(score_drift(scores, reference["cuts"], reference["shares"], part))
        found += drift_of_features(store, run, bundle)
    return stored(found, run.as_of)


def _of_lists(store: Store, today: date, zone: ZoneInfo) -> list[StoredMeasurement]:
    """The use of the lists whose days are over; that of today's list apart, since it was hardly worked yet."""
    newest = latest_run(store)
    if newest is None or newest.deleted_at is not None:
        return []
    runs = runs_since(store, newest.as_of - timedelta(days=LIST_DAYS))
    is_of_today = newest.finished_at.astimezone(zone).date() >= today
    finished = [run.as_of for run in runs if run.as_of < newest.as_of or not is_of_today]
    found = _of_finished(store, finished[-1] if finished else None)
    if is_of_today:
        used = list_use_between(store, newest.as_of, newest.as_of)
        found += stored([list_today(str(newest.as_of), used.listed, len(used.contacts))], newest.as_of)
    return found


def _of_finished(store: Store, last: date | None) -> list[StoredMeasurement]:
    if last is None:
        return stored(list_use("", 0, []), None)
    used = list_use_between(store, last - timedelta(days=LIST_DAYS - 1), last)
    contacts = [ListContact(one.caller, one.dismissal) for one in used.contacts]
    return stored(list_use(str(last), used.listed, contacts), last)


def _bundle_of(settings: Settings, run: Run) -> Bundle | None:
    """The bundle of a run, while it is the champion."""
    try:
        live = champion(settings)
    except (BundleError, PromotionError):
        return None
    return live.bundle if live is not None and live.bundle.sha256 == run.model_sha256 else None


def _of_campaigns(settings: Settings, store: Store) -> list[StoredMeasurement]:
    found: list[Measurement] = []
    of_id = {one.id: one for one in campaigns(store)}
    for counts in arm_outcomes(store):
        sizes = (counts.treated, counts.treated_stayed, counts.control, counts.control_stayed)
        arms = Arms(*sizes, has_control_group=of_id[counts.campaign_id].control_share > 0)
        costs = CampaignCosts(
            contacts=counts.contacts,
            taken=counts.taken,
            contact_cost=settings.decision.contact_cost,
            offer_cost=of_id[counts.campaign_id].offer_cost,
            value=settings.decision.customer_value,
        )
        part = str(counts.campaign_id)
        found += [*success(part, arms), roi(part, arms, costs)]
    return stored(found, None)
