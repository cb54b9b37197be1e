"""What the store knows is shown to Prometheus as it was read last: runs, jobs, the champion and figures."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.exposition import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from sqlalchemy import text
from structlog.testing import capture_logs

from churn_mlops.serving.observability.store_metrics import MOST_CAMPAIGNS, MOST_FEATURES, StoreMetrics
from churn_mlops.serving.observability.store_reader import StoreReader
from churn_mlops.serving.resilience.store_client import StoreClient
from churn_mlops.store import open_store
from churn_mlops.store.job_records import begin_job, record_job
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import DAY, NOW, batches, run
from tests.store.test_model_versions import deploy

AUC = StoredMeasurement("auc", "", 0.81, 0.78, 0.84, 90, 1200, "good", "Nothing to do.")
ESTIMATES = [
    replace(AUC, part=part, value=value, low=None, high=None, is_final=False)
    for part, value in (("2026-11-01", 0.7), ("2026-11-08", 0.75))
]
WAIT = StoredMeasurement("success", "3", None, None, None, None, 12, "too_little", "Wait.", False)
CAMPAIGNS = [
    StoredMeasurement("roi", str(number), 50.0 * number, -20.0, None, 250, 200, "watch", "Wait.", False)
    for number in range(1, 2 * MOST_CAMPAIGNS + 1)
]
OTHER = replace(CAMPAIGNS[0], part="all")
"""A campaign is named by its number; what is named otherwise has no series, and stops no page."""
LISTS = StoredMeasurement("list_worked", str(DAY), 0.6, None, None, 60, 100, "watch", "Work it.")

DRIFTS = [
    StoredMeasurement("feature_drift", f'f{place} "é"', place / 100, None, None, None, 900, "good", "Nothing to do.")
    for place in range(2 * MOST_FEATURES)
]


@pytest.fixture
def address(tmp_path: Path) -> str:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        publish(store, replace(run(), newest_row=DAY), batches(100), clock=lambda: NOW)
        record_job(store, "score", NOW - timedelta(seconds=90), NOW, has_succeeded=True)
        record_job(store, "backup", NOW, NOW + timedelta(seconds=3), has_succeeded=False)
        begin_job(store, "train", datetime.now(UTC))
        begin_job(store, "review", NOW)
        record_measurements(store, DAY, [AUC, *ESTIMATES, WAIT, LISTS, OTHER, *CAMPAIGNS, *DRIFTS], clock=lambda: NOW)
        deploy(store, 1)
    return address


@pytest.fixture
def reader(address: str) -> Iterator[StoreReader]:
    with closing(StoreClient(address)) as link:
        made = StoreReader(link)
        for _ in range(2):  # the list is summed up by the second reading
            asyncio.run(made.refresh())
        yield made


@pytest.fixture
def metrics(reader: StoreReader) -> StoreMetrics:
    return StoreMetrics(reader)


def shown(metrics: StoreMetrics) -> dict[tuple[str, ...], float]:
    """Each sample of the page by its name and the values of its labels."""
    registry = CollectorRegistry()
    registry.register(metrics)
    page = generate_latest(registry).decode()
    samples = [one for family in text_string_to_metric_families(page) for one in family.samples]
    return {(one.name, *one.labels.values()): one.value for one in samples}


def test_the_newest_run_the_jobs_and_the_champion_are_shown(metrics: StoreMetrics) -> None:
    found, now = shown(metrics), NOW.timestamp()
    assert found["churn_run_published_timestamp_seconds",] == now
    assert found["churn_run_as_of_timestamp_seconds",] == 1795305600  # 2026-11-22
    assert found["churn_source_newest_row_timestamp_seconds",] == 1795305600
    assert found["churn_run_warnings",] == 1
    assert [found["churn_run_customers", name] for name in ("scored", "likely", "worth_an_offer")] == [100, 51, 61]
    # 100 x score - 40 for each of the 61 who are worth an offer
    assert found["churn_run_expected_gain",] == pytest.approx(sum(100 * (1 - place / 100) - 40 for place in range(61)))
    assert found["churn_job_succeeded_timestamp_seconds", "score"] == now
    assert ("churn_job_succeeded_timestamp_seconds", "backup") not in found
    assert [found["churn_job_took_seconds", job] for job in ("score", "backup")] == [90, 3]
    assert ("churn_job_took_seconds", "train") not in found  # it is at work
    jobs = ("score", "backup", "train", "review")  # the last was killed long ago
    assert [found["churn_job_failures", job] for job in jobs] == [0, 1, 0, 1]
    assert found["churn_model_promoted_timestamp_seconds", "1"] == now + 60
    assert found["churn_store_read_timestamp_seconds",] > now


def test_a_figure_has_its_interval_and_an_estimate_stands_apart(metrics: StoreMetrics) -> None:
    found = shown(metrics)
    assert [found["churn_model_auc" + end, "final"] for end in ("", "_low", "_high")] == [0.81, 0.78, 0.84]
    assert found["churn_model_auc", "expected"] == 0.75  # of the newest date
    assert ("churn_model_auc_low", "expected") not in found
    assert found["churn_list_worked_ratio",] == 0.6
    assert found["churn_measured_timestamp_seconds",] == NOW.timestamp()


def test_only_the_newest_campaigns_have_series(metrics: StoreMetrics) -> None:
    found = shown(metrics)
    campaigns = [int(place[1]) for place in found if place[0] == "churn_campaign_return_ratio"]
    assert sorted(campaigns) == list(range(MOST_CAMPAIGNS + 1, 2 * MOST_CAMPAIGNS + 1))
    assert not [place for place in found if place[0] == "churn_campaign_effect_ratio"]  # too little to say


def test_the_return_of_a_campaign_is_to_the_money_that_it_cost(metrics: StoreMetrics) -> None:
    found, newest = shown(metrics), str(2 * MOST_CAMPAIGNS)
    assert found["churn_campaign_return_ratio", newest] == 50 * int(newest) / 200
    assert found["churn_campaign_return_ratio_low", newest] == -0.1


def test_only_the_features_that_drifted_most_have_series(metrics: StoreMetrics) -> None:
    found = {place: value for place, value in shown(metrics).items() if place[0].startswith("churn_feature_drift")}
    assert found == {
        ("churn_feature_drift_index", f'f{place} "é"'): place / 100 for place in range(MOST_FEATURES, 2 * MOST_FEATURES)
    }


def test_the_last_reading_stays_and_before_the_first_there_was_none(
    reader: StoreReader, metrics: StoreMetrics, address: str
) -> None:
    with closing(StoreClient(f"{address}/below/a/file.db")) as link:
        away = StoreReader(link)
        asyncio.run(away.refresh())
        assert shown(StoreMetrics(away)) == {("churn_store_read_timestamp_seconds",): 0}
    before = shown(metrics)
    Path(address.removeprefix("sqlite:///")).unlink()
    asyncio.run(reader.refresh())
    assert shown(metrics) == before


def test_a_row_that_cannot_be_read_stops_no_server(reader: StoreReader, metrics: StoreMetrics, address: str) -> None:
    before = shown(metrics)
    with open_store(address) as store, store.writing("break a row") as connection:
        connection.execute(text("UPDATE job_records SET ended_at = 'soon'"))
    with capture_logs() as said:
        asyncio.run(reader.refresh())
    assert shown(metrics) == before
    assert said == [{"event": "store_metrics_failed", "kind": "ValueError", "log_level": "warning"}]
