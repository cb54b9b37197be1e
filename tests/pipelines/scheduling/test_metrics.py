"""The metrics of a schedule, and the port on which they are read."""

from __future__ import annotations

import json
import socket
import urllib.error
import urllib.request
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
from prometheus_client import CollectorRegistry
from prometheus_client.parser import text_string_to_metric_families

from churn_mlops.errors import ChurnError, ConfigError, StoreBusyError
from churn_mlops.pipelines.scheduling.metrics import JOBS, RESULTS, ScheduleMetrics
from churn_mlops.pipelines.scheduling.metrics_server import metrics_server
from churn_mlops.pipelines.scheduling.steps import Retries
from tests.pipelines.scheduling.test_scheduler import world

NOW = datetime(2026, 11, 23, 6, tzinfo=UTC)


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> datetime:
        return self.now


def value(registry: CollectorRegistry, name: str, **labels: str) -> float | None:
    return registry.get_sample_value(name, labels)


def test_a_try_is_counted_by_its_result_and_only_a_success_moves_the_last_success() -> None:
    clock = Clock()
    metrics = ScheduleMetrics(clock)
    for seconds, error in ((3, ChurnError("no")), (5, StoreBusyError("held")), (7, None)):
        try:
            with metrics.try_of("score"):
                clock.now += timedelta(seconds=seconds)
                if error is not None:
                    raise error
        except ChurnError:
            assert value(metrics.registry, "churn_job_last_success_timestamp_seconds", job_name="score") is None
        assert value(metrics.registry, "churn_job_duration_seconds", job_name="score") == seconds
    assert (
        value(metrics.registry, "churn_job_last_success_timestamp_seconds", job_name="score") == clock.now.timestamp()
    )
    found = {name: value(metrics.registry, "churn_job_tries_total", job_name="score", result=name) for name in RESULTS}
    assert found == {"succeeded": 1, "failed": 1, "busy": 1}


def test_every_count_is_there_before_it_counts() -> None:
    registry = ScheduleMetrics(Clock()).registry
    assert {
        value(registry, "churn_job_tries_total", job_name=job, result=result) for job in JOBS for result in RESULTS
    } == {0.0}
    assert value(registry, "churn_schedule_days_abandoned_total") == 0.0


def test_an_abandoned_day_is_seen_until_it_is_made_up_for() -> None:
    it = world("2026-11-23 05:59", "2026-11-24 05:00", date(2026, 11, 22))
    seen: list[float | None] = []

    def fails_for_an_hour(day: date) -> None:
        seen.append(value(it.schedule.metrics.registry, "churn_schedule_day_abandoned"))
        if len(it.runs) < 3:
            raise ChurnError("no")

    it.on_run = fails_for_an_hour
    it.keep(retries=Retries(1, 60.0, again=8))
    registry = it.schedule.metrics.registry
    assert seen == [0, 0, 1]
    assert value(registry, "churn_schedule_day_abandoned") == 0
    assert value(registry, "churn_schedule_days_abandoned_total") == 1
    assert value(registry, "churn_job_tries_total", job_name="day", result="failed") == 2
    assert value(registry, "churn_job_tries_total", job_name="day", result="succeeded") == 1
    assert (
        value(registry, "churn_schedule_last_day_timestamp_seconds") == datetime(2026, 11, 23, tzinfo=UTC).timestamp()
    )
    next_run = datetime(2026, 11, 24, 5, tzinfo=UTC)  # 06:00 in Berlin
    assert value(registry, "churn_schedule_next_run_timestamp_seconds") == next_run.timestamp()


@pytest.fixture
def address() -> Iterator[str]:
    with metrics_server("127.0.0.1", 0, ScheduleMetrics(Clock()).registry, lambda: {"alive": True}) as address:
        yield address


def test_the_page_of_metrics_can_be_read_by_prometheus(address: str) -> None:
    with urllib.request.urlopen(f"{address}/metrics", timeout=10) as answer:
        assert answer.headers["Content-Type"].startswith("text/plain")
        families = {family.name for family in text_string_to_metric_families(answer.read().decode())}
    assert {"churn_job_tries", "churn_schedule_next_run_timestamp_seconds", "churn_schedule_day_abandoned"} <= families


def test_health_is_plain_data(address: str) -> None:
    with urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        assert (answer.status, json.load(answer)) == (200, {"alive": True})


@pytest.mark.parametrize(
    ("path", "body", "status"), [("/", None, 404), ("/health", b"x", 405), ("/metrics", b"x", 405)]
)
def test_all_else_is_refused(address: str, path: str, body: bytes | None, status: int) -> None:
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(f"{address}{path}", body, timeout=10)
    assert refused.value.code == status
    refused.value.close()


def test_a_port_in_use_names_the_setting() -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        with (
            pytest.raises(ConfigError, match=f"port {port} .*schedule.metrics_port"),
            metrics_server("127.0.0.1", port, CollectorRegistry(), dict),
        ):
            pytest.fail("it listens")


def test_a_client_that_sends_nothing_keeps_no_other_waiting(address: str) -> None:
    host, port = address.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))), urllib.request.urlopen(f"{address}/health", timeout=10) as answer:
        assert answer.status == 200
