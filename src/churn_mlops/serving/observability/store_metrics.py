"""The metrics that the store knows: the newest run, the jobs, the champion, and the figures of the dashboard.

A job that has ended cannot be scraped, and what holds for the company must not be added up over processes. So each
process reads the store now and then; whichever is scraped shows what it read last, and when that was.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time

from prometheus_client.metrics_core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from churn_mlops.serving.observability.store_reader import StoreReader
from churn_mlops.store.job_records import JobRecord
from churn_mlops.store.measurements import StoredMeasurement
from churn_mlops.store.scoring.runs import Run

NEVER = datetime.fromtimestamp(0, UTC)
"""A store that was not read yet was read then: an alert for it stays when a server is started again."""
MOST_CAMPAIGNS = 20
"""The newest campaigns have metrics: so the number of series is bounded."""
MOST_FEATURES = 50
"""The features that drifted most have metrics."""


@dataclass(frozen=True)
class Figure:
    """The metric of a figure of the dashboard.

    Args:
        metric: its name.
        meaning: for people.
        scale: is multiplied with the figure.
        to_denominator: whether the figure is divided by what it counts below the line.
    """

    metric: str
    meaning: str
    scale: float = 1.0
    to_denominator: bool = False

    def of(self, one: StoredMeasurement, end: str) -> float | None:
        """The ``end`` of a figure, "value", "low" or "high", as the metric shows it; None where it has none."""
        number, below = getattr(one, end), one.denominator if self.to_denominator else 1.0
        return number * self.scale / below if number is not None and below else None


ACCURACY = {
    "auc": Figure("churn_model_auc", "Area under the ROC curve of the scores"),
    "log_loss": Figure("churn_model_log_loss", "Log loss of the scores, in nats per customer"),
    "calibration": Figure("churn_model_observed_to_expected_ratio", "Churners per expected churner", 0.01),
    "top_decile_calibration": Figure(
        "churn_model_top_decile_observed_to_expected_ratio", "The same among the tenth with the highest scores", 0.01
    ),
    "top_decile_lift": Figure(
        "churn_model_top_decile_lift_ratio", "Churn rate of the tenth with the highest scores, to that of all"
    ),
}
"""On final labels, pooled, or expected by the scores of the newest date."""
OF_THE_COMPANY = {
    "score_drift": Figure("churn_score_drift_index", "Population stability index of the scores against training"),
    "customers_at_risk": Figure("churn_customers_at_risk_ratio", "Share of the customers who are likely to churn"),
    "revenue_at_risk": Figure("churn_revenue_at_risk_ratio", "Share of the customers' value that is expected to leave"),
    "estimates_held": Figure("churn_estimates_held_ratio", "Share of earlier estimates of the AUC that held"),
    "list_worked": Figure("churn_list_worked_ratio", "Share of the lists of 28 days that was worked"),
    "list_today": Figure("churn_list_worked_today_ratio", "Share of the newest list that was worked when measured"),
}
MONEY = {
    "money_lost": Figure("churn_money_lost_per_month", "What lists earn less than when the model was newer, per month"),
    "list_gain": Figure("churn_list_gain_per_month", "What the lists of a month earn, by the settings of the decision"),
    "list_gain_then": Figure("churn_first_list_gain_per_month", "The same when the model was newer"),
}
"""On final labels, or expected by the scores of the newest date; in the company's currency."""
OF_A_CAMPAIGN = {
    "success": Figure(
        "churn_campaign_effect_ratio", "Share that stayed of the treated, less that of the control group"
    ),
    "roi": Figure(
        "churn_campaign_return_ratio",
        "Return on investment: money in less money out, to money out",
        to_denominator=True,
    ),
}
OF_A_FEATURE = {
    "feature_drift": Figure("churn_feature_drift_index", "Population stability index of a feature against training"),
}


class StoreMetrics(Collector):
    """Shows what the store said when it was last read.

    Args:
        reader: reads it.
    """

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader

    def collect(self) -> Iterator[Metric]:
        """The metrics; before the first reading, that there was none."""
        found = self._reader.last
        at = NEVER if found is None else found.seen.read_at
        yield _gauge("churn_store_read_timestamp_seconds", "Last reading of the store for these metrics", at)
        if found is None:
            return
        seen = found.seen
        yield from _of_run(seen.run, found.gain)
        yield from _of_jobs(seen.jobs)
        if seen.champion is not None:
            promoted = GaugeMetricFamily(
                "churn_model_promoted_timestamp_seconds", "When the champion went live", labels=["version"]
            )
            promoted.add_metric([seen.champion.version], seen.champion.since.timestamp())
            yield promoted
        if seen.measured is not None:
            yield _gauge(
                "churn_measured_timestamp_seconds", "Last measurement of the figures", seen.measured.measured_at
            )
        yield from _of_figures(() if seen.measured is None else seen.measured.figures)


def _of_run(run: Run | None, gain: float | None) -> Iterator[Metric]:
    if run is None:
        return
    yield _gauge("churn_run_published_timestamp_seconds", "When the newest run was published", run.finished_at)
    yield _gauge("churn_run_as_of_timestamp_seconds", "As-of date of the newest run, its midnight in UTC", run.as_of)
    yield GaugeMetricFamily("churn_run_warnings", "Warnings of its validation", value=len(run.warnings))
    if run.newest_row is not None:
        name, meaning = "churn_source_newest_row_timestamp_seconds", "Newest row of the source, its midnight in UTC"
        yield _gauge(name, meaning, run.newest_row)
    customers = GaugeMetricFamily("churn_run_customers", "Customers of the newest run", labels=["set"])
    for name, count in (("scored", run.customers), ("likely", run.likely), ("worth_an_offer", run.worth_an_offer)):
        customers.add_metric([name], count)
    yield customers
    if gain is not None:
        yield GaugeMetricFamily(
            "churn_run_expected_gain",
            "Sum of the expected gains of its contact list, in the company's currency",
            value=gain,
        )


def _of_jobs(jobs: Iterable[JobRecord]) -> Iterator[Metric]:
    ended = _by("churn_job_ended_timestamp_seconds", "End of the last try of a job", "job_name")
    succeeded = _by("churn_job_succeeded_timestamp_seconds", "Last success of a job", "job_name")
    took = _by("churn_job_took_seconds", "Time that the last try of a job took", "job_name")
    failures = _by("churn_job_failures", "Tries of a job that failed since its last success", "job_name")
    for job in jobs:
        ended.add_metric([job.name], job.ended_at.timestamp())
        if not job.is_open:
            took.add_metric([job.name], job.seconds)
        failures.add_metric([job.name], job.failures)
        if job.succeeded_at is not None:
            succeeded.add_metric([job.name], job.succeeded_at.timestamp())
    yield from (ended, succeeded, took, failures)


def _of_figures(figures: Iterable[StoredMeasurement]) -> Iterator[Metric]:
    known = [one for one in figures if one.value is not None]
    pooled = {("final", one.name): one for one in known if one.is_final and not one.part}
    expected = {("expected", one.name): one for one in known if not one.is_final}  # by name and part: the newest stays
    yield from _families(ACCURACY | MONEY, {**pooled, **expected}, "labels")
    newest = {("", one.name): one for one in known}
    yield from _families(OF_THE_COMPANY, newest, None)
    of_campaigns = {(one.part, one.name): one for one in known if one.name in OF_A_CAMPAIGN and one.part.isdecimal()}
    campaigns = sorted({int(part) for part, _ in of_campaigns})[-MOST_CAMPAIGNS:]
    shown = {place: one for place, one in of_campaigns.items() if int(place[0]) in campaigns}
    yield from _families(OF_A_CAMPAIGN, shown, "campaign")
    features = sorted(known, key=lambda one: (-(one.value or 0.0), one.part))
    drifts = [one for one in features if one.name in OF_A_FEATURE][:MOST_FEATURES]
    yield from _families(OF_A_FEATURE, {(one.part, one.name): one for one in drifts}, "feature")


def _families(
    figures: Mapping[str, Figure], measured: Mapping[tuple[str, str], StoredMeasurement], label: str | None
) -> Iterator[Metric]:
    """Three metrics for each figure: the value, and both ends of its 95 % interval, where it has one."""
    for name, figure in figures.items():
        for end, ending, words in (
            ("value", "", ""),
            ("low", "_low", ", lower end of the 95 % interval"),
            ("high", "_high", ", upper end of the 95 % interval"),
        ):
            family = GaugeMetricFamily(figure.metric + ending, figure.meaning + words, labels=[label] if label else [])
            for (part, of), one in measured.items():
                if of == name and (number := figure.of(one, end)) is not None:
                    family.add_metric([part] if label else [], number)
            if family.samples:
                yield family


def _gauge(name: str, meaning: str, at: datetime | date) -> Metric:
    instant = at if isinstance(at, datetime) else datetime.combine(at, time(), UTC)
    return GaugeMetricFamily(name, meaning, value=instant.timestamp())


def _by(name: str, meaning: str, label: str) -> GaugeMetricFamily:
    return GaugeMetricFamily(name, meaning, labels=[label])
