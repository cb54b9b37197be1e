"""A day of the person on call: what goes wrong reaches them, with its page, and nothing else does."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import duckdb
import httpx
import pytest

from bench.outages.processes import family
from bench.outages.replicas import clock_environ, clock_library, free_port
from tests.infra.test_grafana import DASHBOARDS
from tests.infra.watch import PATIENCE_SECONDS, Alert, Watch, start_prometheus, start_server, until, watched
from tests.pipelines.delivery.webhook_receiver import receiving
from tests.test_api import CUSTOMER

pytestmark = pytest.mark.skipif(clock_library() is None, reason="there is no libfaketime: `make test` installs it")
PREDICTED = 'churn_requests_total{route="/predict",status="200"}'
NOTHING_FIRES = 'count(ALERTS{alertstate="firing", alertname!="Watchdog"}) or vector(0)'


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watch]:
    with watched(tmp_path_factory.mktemp("watched")) as made:
        made.start_schedule(six_o_clock(0))
        changed_long_ago = "time() - max(churn_model_promoted_timestamp_seconds) > bool 45"
        until(lambda: made.ask(changed_long_ago) == [1.0], "the change of the version is no news any more")
        yield made


@pytest.fixture
def watch(company: Watch) -> Iterator[Watch]:
    """The company while all is well, before the test and after it."""
    until(lambda: company.ask(NOTHING_FIRES) == [0.0] and company.ask('min(up{job=~"api|scheduler"})') == [1.0], "well")
    yield company
    until(lambda: company.ask(NOTHING_FIRES) == [0.0], "well again")


def six_o_clock(days: int) -> datetime:
    """Three seconds before the run of a day, so many days from today."""
    today = datetime.now(UTC).replace(hour=5, minute=59, second=57, microsecond=0)
    return today + timedelta(days=days)


def published(watch: Watch) -> float:
    return next(iter(watch.ask("max(churn_run_published_timestamp_seconds)")), 0.0)


def with_its_page(came: tuple[str, Alert], receiver: str, runbook: str) -> None:
    assert came[0] == receiver
    assert came[1]["annotations"]["runbook"] == f"docs/runbooks/{runbook}.md"
    assert came[1]["annotations"]["summary"]
    assert came[1]["annotations"]["cost"]


def test_a_day_from_the_run_at_six_to_an_alert_and_its_end(watch: Watch) -> None:
    today, tomorrow = six_o_clock(1), six_o_clock(2)
    watch.start_schedule(today)
    until(lambda: published(watch) >= today.timestamp(), "the list of 06:00 is on the page of metrics")
    listed = httpx.get(f"{watch.server}/api/list?state=open").json()["customers"]
    assert listed
    assert httpx.post(f"{watch.server}/predict", json=CUSTOMER).status_code == 200
    contact = {"customer_id": listed[0]["customer_id"], "offer": "20 % off", "result": "accepted"}
    recorded = httpx.post(f"{watch.server}/contacts", json=contact, headers={"Idempotency-Key": "call-1"})
    assert recorded.status_code == 201, recorded.text
    until(lambda: watch.ask('sum(churn_requests_total{route="/contacts",status="201"})') == [1.0], "it is counted")

    before = len(watch.receiver.alerts)
    source = watch.folder / "demo/company.duckdb"
    source.rename(source.with_suffix(".away"))
    watch.start_schedule(tomorrow)
    came = watch.receiver.wait_for("JobFails", "firing", before, job_name="score")
    with_its_page(came, "ticket", "job-fails")
    said = watch.churn("status").stdout
    assert re.search(
        r"^ticket  job score: failed .* See docs/runbooks/job-fails.md \(JobFails\)\.$", said, re.MULTILINE
    )
    source.with_suffix(".away").rename(source)
    watch.receiver.wait_for("JobFails", "resolved", before, job_name="score")
    until(lambda: published(watch) >= tomorrow.timestamp(), "the list of the next day is there")
    assert watch.receiver.names(before) == {"JobFails"}


def test_a_store_that_is_away_wakes_someone_and_nothing_else_does(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    watch.database.kill()
    try:
        for _ in range(20):
            assert httpx.post(f"{watch.server}/predict", json=CUSTOMER).status_code == 200
        with_its_page(watch.receiver.wait_for("StoreUnavailable", "firing", before), "page", "store-unavailable")
        assert "(StoreUnavailable)" in watch.churn("status").stdout
    finally:
        watch.database.start()
    watch.receiver.wait_for("StoreUnavailable", "resolved", before)
    assert watch.receiver.names(before) == {"StoreUnavailable"}


def test_a_source_that_is_not_loaded_any_more_is_a_ticket(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    old = week_old(watch.folder / "demo/company.duckdb", watch.folder / "old.duckdb")
    today = {"CHURN__SOURCE__AS_OF": "today"}
    done = watch.churn("score", **today, CHURN__SOURCE__URL=str(old))
    assert done.returncode == 0, done.stderr
    with_its_page(watch.receiver.wait_for("SourceStale", "firing", before), "ticket", "source-stale")
    assert "(SourceStale)" in watch.churn("status").stdout
    assert "days ago" in watch.churn("doctor", CHURN__SOURCE__URL=str(old)).stdout
    assert watch.churn("score", **today).returncode == 0
    watch.receiver.wait_for("SourceStale", "resolved", before)
    assert watch.receiver.names(before) == {"SourceStale"}


def week_old(company: Path, copy: Path) -> Path:
    """The same company a week before."""
    shutil.copy(company, copy)
    with duckdb.connect(copy) as connection:
        times = connection.execute(
            "SELECT table_name, column_name FROM information_schema.columns WHERE data_type IN ('DATE', 'TIMESTAMP')"
        ).fetchall()
        for table, column in times:
            connection.execute(f"UPDATE {table} SET {column} = {column} - INTERVAL 7 DAY")
    return copy


def test_a_version_that_goes_live_is_a_note_in_the_chat(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    assert watch.churn("models", "promote", "2", "--reason", "approved").returncode == 0
    came = watch.receiver.wait_for("ChampionChanged", "firing", before, version="2")
    with_its_page(came, "chat", "champion-changed")
    assert "approved" in watch.churn("models", "list").stdout
    watch.receiver.wait_for("ChampionChanged", "resolved", before, version="2")
    back = len(watch.receiver.alerts)  # a message may hold the end of an earlier alert again
    assert watch.churn("models", "rollback", "--reason", "not approved").returncode == 0
    watch.receiver.wait_for("ChampionChanged", "firing", back, version="1")
    watch.receiver.wait_for("ChampionChanged", "resolved", len(watch.receiver.alerts), version="1")
    assert watch.receiver.names(before) == {"ChampionChanged"}


def test_a_process_that_dies_is_replaced_and_what_it_counted_stays(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    for _ in range(20):
        assert httpx.post(f"{watch.server}/predict", json=CUSTOMER).status_code == 200
    counted = shown(watch, PREDICTED)
    parent = watch.processes["api"].pid
    old = workers(parent)
    assert len(old) == 2
    os.kill(old[0], signal.SIGKILL)
    until(lambda: len(set(workers(parent)) - set(old)) == 1 and shown(watch, "churn_workers ") == 2, "two processes")
    assert shown(watch, PREDICTED) >= counted >= 20
    assert watch.receiver.names(before) == set()


def workers(parent: int) -> list[int]:
    """The processes that answer."""
    return [pid for pid in family(parent) if "spawn_main" in Path(f"/proc/{pid}/cmdline").read_text(encoding="utf-8")]


def shown(watch: Watch, metric: str) -> float:
    """The number on the page of metrics, whichever process shows it."""
    lines = httpx.get(f"{watch.server}/metrics").text.splitlines()
    return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(metric)), 0.0)


def test_a_server_that_ended_wakes_someone(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    watch.stop("api")
    try:
        with_its_page(watch.receiver.wait_for("ServerGone", "firing", before), "page", "server-gone")
    finally:
        start_server(watch)
    watch.receiver.wait_for("ServerGone", "resolved", before)
    assert watch.receiver.names(before) == {"ServerGone"}


def test_a_schedule_that_ended_wakes_someone(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    watch.stop("scheduler")
    try:
        with_its_page(watch.receiver.wait_for("ScheduleGone", "firing", before), "page", "schedule-gone")
    finally:
        watch.start_schedule(datetime.now(UTC))  # today's list is there: nothing is due
    watch.receiver.wait_for("ScheduleGone", "resolved", before)
    assert watch.receiver.names(before) == {"ScheduleGone"}


def test_a_list_that_is_not_taken_wakes_someone(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    hook = {
        "CHURN__WEBHOOK__URL": f"http://127.0.0.1:{free_port()}/hook",
        "CHURN__WEBHOOK__SECRET": "k" * 16,
        "CHURN__WEBHOOK__ALLOWED_HOSTS": "127.0.0.1",
        "CHURN__WEBHOOK__ATTEMPTS": "1",
        "NO_PROXY": "127.0.0.1",
    }
    assert watch.churn("score", "--send", **hook).returncode == 1
    with_its_page(watch.receiver.wait_for("ListNotSent", "firing", before), "page", "list-not-sent")
    assert "(ListNotSent)" in watch.churn("status").stdout
    with receiving() as receiver:
        done = watch.churn("score", "--send", **hook | {"CHURN__WEBHOOK__URL": receiver.url})
        assert done.returncode == 0, done.stderr
        assert receiver.accepted()
    watch.receiver.wait_for("ListNotSent", "resolved", before)
    assert watch.receiver.names(before) == {"ListNotSent"}


def test_a_backup_that_is_two_days_old_is_a_ticket(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    key = new_key(watch, "another.key")
    where = {"CHURN__BACKUP__RECIPIENTS": key, "CHURN__BACKUP__FOLDER": str(watch.folder / "backups")}
    clock = watch.folder / "two_days_ago"
    clock.write_text("-2d\n")
    old = watch.churn("backup", **where, **clock_environ(clock))
    assert old.returncode == 0, old.stderr
    with_its_page(watch.receiver.wait_for("BackupMissing", "firing", before), "ticket", "backup-missing")
    assert "(BackupMissing)" in watch.churn("status").stdout
    assert watch.churn("backup", **where).returncode == 0
    watch.receiver.wait_for("BackupMissing", "resolved", before)
    assert watch.receiver.names(before) == {"BackupMissing"}


def test_a_full_disk_is_told_by_the_backup_that_fails(watch: Watch) -> None:
    before = len(watch.receiver.alerts)
    key = new_key(watch, "backup.key")
    with full_disk(watch.folder / "small") as folder:
        where = {"CHURN__BACKUP__RECIPIENTS": key, "CHURN__BACKUP__FOLDER": str(folder)}
        failed = watch.churn("backup", **where)
        assert failed.returncode == 1
        assert "its disk is full" in failed.stderr
        with_its_page(watch.receiver.wait_for("JobFails", "firing", before, job_name="backup"), "ticket", "job-fails")
        done = watch.churn("backup", **where | {"CHURN__BACKUP__FOLDER": str(watch.folder / "large")})
        assert done.returncode == 0, done.stderr
        watch.receiver.wait_for("JobFails", "resolved", before, job_name="backup")
    assert watch.receiver.names(before) == {"JobFails"}


def new_key(watch: Watch, file: str) -> str:
    """The public key of a new pair, whose private key is in ``file``."""
    assert watch.churn("backup", "--new-key", file).returncode == 0
    key = re.search(r"age1\w+", (watch.folder / file).read_text())
    assert key is not None
    return key[0]


@contextmanager
def full_disk(folder: Path) -> Iterator[Path]:
    """A disk of its own of 64 KB."""
    folder.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", folder], check=False)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", folder], check=True)


def test_when_prometheus_is_silent_the_watchdog_ends(watch: Watch) -> None:
    watch.receiver.wait_for("Watchdog", "firing")
    before = len(watch.receiver.alerts)
    watch.stop("prometheus")
    try:
        assert watch.receiver.wait_for("Watchdog", "resolved", before)[0] == "watchdog"
    finally:
        start_prometheus(watch)
    until(lambda: watch.ask("sum(churn_workers)") == [2.0], "it is back")


def test_every_query_of_the_dashboards_returns_data(watch: Watch) -> None:
    waited_for = {
        (board["title"], panel["title"], target["expr"].replace("$__rate_interval", "30s"))
        for board in DASHBOARDS.values()
        for panel in board["panels"]
        for target in panel.get("targets", ())
    }
    assert len(waited_for) > 40
    ends = time.monotonic() + PATIENCE_SECONDS
    while waited_for and time.monotonic() < ends:
        assert httpx.post(f"{watch.server}/predict", json=CUSTOMER).status_code == 200
        assert httpx.post(f"{watch.server}/predict", json={}).status_code == 422
        waited_for = {one for one in waited_for if not watch.ask(one[2])}
    assert waited_for == set()
