"""The job that measures: every figure of the dashboard, from the store and the source, kept under today's date."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import ibis.expr.types as ir
import numpy as np
import structlog

from churn_mlops.config import Settings
from churn_mlops.data.contract import HistoryContract, load_contract
from churn_mlops.data.sources.database import read_whole
from churn_mlops.data.sources.spark import is_spark
from churn_mlops.errors import BundleError, PromotionError
from churn_mlops.models.bundle import Bundle
from churn_mlops.monitoring import (
    Arms,
    CampaignCosts,
    ListContact,
    Measurement,
    ScoredRows,
    accuracy,
    customers_at_risk,
    expected_accuracy,
    joined,
    list_today,
    list_use,
    revenue_at_risk,
    roi,
    run_age,
    score_drift,
    success,
)
from churn_mlops.pipelines.deployment.deploy import champion
from churn_mlops.pipelines.inputs.open_source import open_history
from churn_mlops.pipelines.job_record import recorded
from churn_mlops.pipelines.monitoring.run_rows import treatment_around, untreated_rows, weekly_runs
from churn_mlops.pipelines.monitoring.segments import churn_of_segments
from churn_mlops.store import Store, open_store
from churn_mlops.store.campaigns.arm_outcomes import arm_outcomes
from churn_mlops.store.campaigns.campaigns import campaigns
from churn_mlops.store.measurements import (
    LIST_DAYS,
    POOLED_WEEKS,
    MeasuredDay,
    StoredMeasurement,
    latest_measurements,
    record_measurements,
)
from churn_mlops.store.scoring.run_scores import list_use_between, run_scores, runs_since
from churn_mlops.store.scoring.runs import Run, latest_run

log = structlog.get_logger("churn_mlops.pipelines")
WEEKS = 26
_SEGMENTS = ("churn_by_band", "churn_by_cohort", "churn_by_level")


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
        before = latest_measurements(store)
        figures = [*_of_scores(settings, store, now), *_of_campaigns(settings, store)]
        figures += _of_lists(store, today, ZoneInfo(zone))
        if isinstance(contract, HistoryContract) and contract.label is not None:
            figures += _Labelled(settings, store, contract, contract.label.final_after, before).figures()
        record_measurements(store, today, figures, clock=lambda: now)
        measured = latest_measurements(store, before=today + timedelta(days=1))
    if measured is None:  # not even the age of the newest run
        raise AssertionError("nothing was measured")
    log.info("dashboard_measured", date=str(today), figures=len(figures))
    return measured


def _of_scores(settings: Settings, store: Store, now: datetime) -> list[StoredMeasurement]:
    """Risk, drift and age, by the newest run."""
    run = latest_run(store)
    if run is None or run.deleted_at is not None:
        return _stored([run_age(None if run is None else run.finished_at, now)], None)
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
    return _stored(found, run.as_of)


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
        found += _stored([list_today(str(newest.as_of), used.listed, len(used.contacts))], newest.as_of)
    return found


def _of_finished(store: Store, last: date | None) -> list[StoredMeasurement]:
    if last is None:
        return _stored(list_use("", 0, []), None)
    used = list_use_between(store, last - timedelta(days=LIST_DAYS - 1), last)
    contacts = [ListContact(one.caller, one.dismissal) for one in used.contacts]
    return _stored(list_use(str(last), used.listed, contacts), last)


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
    return _stored(found, None)


@dataclass(frozen=True)
class _Labelled:
    """Figures that need labels.

    Args:
        settings: source and decision.
        store: the store.
        contract: of the history.
        final_after: days until labels are final.
        before: what was measured last; a figure whose labels were not looked at since is taken from there.
    """

    settings: Settings
    store: Store
    contract: HistoryContract
    final_after: int
    before: MeasuredDay | None

    def figures(self) -> list[StoredMeasurement]:
        """Accuracy of each week and of the newest final ones, and churn by segment."""
        newest = latest_run(self.store)
        if newest is None:
            return []
        runs = weekly_runs(runs_since(self.store, newest.as_of - timedelta(weeks=WEEKS + 1)), WEEKS)
        final = [run for run in runs if run.matured_at is not None]
        found, rows = self._pooled(final[-POOLED_WEEKS:])
        for run in runs:
            found += self._week(run, rows)
        return [*found, *self._segments(final[-1])] if final else found

    def _pooled(self, runs: list[Run]) -> tuple[list[StoredMeasurement], dict[date, ScoredRows]]:
        """Accuracy of the newest final weeks together, and the rows of each, where they had to be read."""
        known = self._pooled_before(runs)
        if known:
            return known, {}
        rows = {run.as_of: self._rows(run) for run in runs}
        return (_stored(accuracy(joined(list(rows.values()))), None) if rows else []), rows

    def _pooled_before(self, runs: list[Run]) -> list[StoredMeasurement]:
        """The earlier figures of the same weeks together, where the labels of none were looked at since."""
        if self.before is None or not all(self._is_unchanged(run) for run in runs):
            return []
        if self.before.pooled_dates != [run.as_of for run in runs]:
            return []
        return [one for one in self.before.figures if one.name in _ACCURACY and not one.part]

    def _rows(self, run: Run) -> ScoredRows:
        follow_days = self.settings.decision.follow_days
        around = treatment_around(self.store, run, follow_days=follow_days, final_after=self.final_after)
        return untreated_rows(self.store, run, around)

    def _week(self, run: Run, rows: Mapping[date, ScoredRows]) -> list[StoredMeasurement]:
        known = self._kept(run, lambda one: one.part == str(run.as_of) and one.name in _ACCURACY and one.is_final)
        if known:
            return known
        of_run = rows[run.as_of] if run.as_of in rows else self._rows(run)
        measured = accuracy if run.matured_at is not None else expected_accuracy
        return _stored(measured(of_run, str(run.as_of)), run.as_of)

    def _segments(self, run: Run) -> list[StoredMeasurement]:
        known = self._kept(run, lambda one: one.rows_as_of == run.as_of and one.name in _SEGMENTS)
        if known:
            return known
        tables = self._tables()
        with read_whole(self.settings.source.url):
            return _stored(churn_of_segments(self.store, run, tables, self.contract), run.as_of)

    def _tables(self) -> dict[str, ir.Table] | None:
        """The tables of the source; None on Spark, where a second look at all customers costs too much."""
        address = self.settings.source.url
        return None if address is None or is_spark(address) else open_history(self.settings.source, self.contract)

    def _kept(self, run: Run, wanted: Callable[[StoredMeasurement], bool]) -> list[StoredMeasurement]:
        """The earlier figures of a run whose labels were not looked at since."""
        return [one for one in self.before.figures if wanted(one)] if self.before and self._is_unchanged(run) else []

    def _is_unchanged(self, run: Run) -> bool:
        """Whether the labels of a run were not looked at since the last measurement."""
        return self.before is not None and run.checked_at is not None and run.checked_at <= self.before.measured_at


_ACCURACY = ("auc", "log_loss", "calibration", "top_decile_calibration", "top_decile_lift")


def _stored(found: Iterable[Measurement], rows_as_of: date | None) -> list[StoredMeasurement]:
    return [StoredMeasurement(**asdict(one), rows_as_of=rows_as_of) for one in found]
