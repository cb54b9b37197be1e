"""``churn schedule``: runs what is due, says whether it is on time, and stops on a signal."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from churn_mlops.cli.interrupts import Stopping
from churn_mlops.store import open_store
from churn_mlops.store.scoring.runs import latest_run
from tests.cli.conftest import Churn
from tests.companies.small import Company
from tests.pipelines.delivery.webhook_receiver import Receiver, receiving

CHURN = [sys.executable, "-c", "from churn_mlops.cli import main; main()"]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """An address of a store, which the settings name."""
    address = f"sqlite:///{tmp_path / 'store.db'}"
    monkeypatch.setenv("CHURN__STORE__URL", address)
    return address


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    with receiving() as receiver:
        hook = {"URL": receiver.url, "SECRET": "k" * 16, "ALLOWED_HOSTS": "127.0.0.1"}
        for key, value in hook.items():
            monkeypatch.setenv(f"CHURN__WEBHOOK__{key}", value)
        monkeypatch.setenv("NO_PROXY", "127.0.0.1")
        yield receiver


def test_with_the_hash_key_of_the_program_no_schedule_starts_beside_a_server_that_others_reach(
    own_company: Company, churn: Churn, store: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CHURN__SERVING__HOST", "0.0.0.0")
    refused = churn("--config", own_company.config(), "schedule")
    assert (refused.code, "store.customer_hash_key is the one that comes with" in refused.err) == (1, True)
    assert churn("--config", own_company.config(), "schedule", "--status").out.startswith("It has never succeeded.")


def shown_by(event: dict[str, str]) -> tuple[str, dict[str, Any]]:
    """The metrics and the health of a schedule, whose addresses are in an event of its log."""
    assert event["event"] == "metrics_server_started"
    pages = [urllib.request.urlopen(event[name], timeout=10) for name in ("metrics", "health")]
    with pages[0], pages[1]:
        return pages[0].read().decode(), json.load(pages[1])


@pytest.mark.parametrize(("format", "said"), [("auto", ["Runs daily at 06:00 (UTC), next on 2"]), ("json", [])])
def test_it_catches_up_sends_the_list_waits_and_ends_with_0_when_it_is_terminated(
    own_company: Company,
    churn: Churn,
    store: str,
    receiver: Receiver,
    monkeypatch: pytest.MonkeyPatch,
    format: str,
    said: list[str],
) -> None:
    monkeypatch.setenv("CHURN__DECISION__THRESHOLD", "0.2")
    monkeypatch.setenv("CHURN__SCHEDULE__METRICS_PORT", "0")
    monkeypatch.setenv("CHURN__LOGGING__FORMAT", format)
    config = own_company.config()
    never = churn("--config", config, "schedule", "--status")
    assert (never.code, never.out.splitlines()[0]) == (1, "It has never succeeded.")

    command = [*CHURN, "--config", str(config), "schedule"]
    events = []
    with subprocess.Popen(
        command, env=os.environ, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        assert process.stdout is not None
        for line in process.stderr:
            events.append(json.loads(line))
            if events[-1]["event"] == "next_run_scheduled":
                metrics, health = shown_by(next(event for event in events if "metrics" in event))
                process.send_signal(signal.SIGTERM)
        output = process.stdout.read()
        assert process.wait(15) == 0
    for name in ("day", "score", "send", "monitor"):
        assert f'churn_job_tries_total{{job_name="{name}",result="succeeded"}} 1.0' in metrics
        assert f'churn_job_last_success_timestamp_seconds{{job_name="{name}"}} 1.' in metrics
    assert (health["late"], health["abandoned"]) == (False, None)
    for line, start in zip(output.splitlines(), said, strict=True):
        assert line.startswith(start)
    assert [event["event"] for event in events if event["level"] != "info"] == []
    assert events[-1]["event"] == "schedule_stopped"

    with open_store(store) as opened:
        run = latest_run(opened)
    assert run is not None
    listed = [row for request in receiver.requests for row in request.document["customers"]]
    assert len(listed) >= run.likely > 0
    assert all(row["will_churn"] or row["action"] == "offer" for row in listed)

    now = churn("--config", config, "schedule", "--status", "--json")
    document = json.loads(now.out)
    assert (now.code, document["overdue"], document["last_success"]["as_of"]) == (0, False, run.as_of.isoformat())
    shown = churn("--config", config, "schedule", "--status").out
    assert shown.startswith(f"Last success: as of {run.as_of}, finished ")


def test_past_days_of_a_flat_table_are_refused(own_company: Company, churn: Churn, store: str) -> None:
    result = churn("--config", own_company.config(), "schedule", "--backfill")
    assert result.code == 1
    assert "declares a flat table, which is what it is today: leave --backfill out" in result.err


def test_options_that_do_not_go_together_are_wrong_use(churn: Churn) -> None:
    assert churn("schedule", "--json").code == 2
    assert churn("schedule", "--status", "--backfill").code == 2


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_a_wait_and_those_after_it_and_a_second_one_interrupts(number: signal.Signals) -> None:
    before = [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)]
    with Stopping() as stopping:
        assert not stopping.wait(0)
        threading.Timer(0.05, os.kill, (os.getpid(), number)).start()
        begun = datetime.now(UTC)
        assert stopping.wait(60)
        assert datetime.now(UTC) - begun < timedelta(seconds=30)
        assert stopping.wait(60)
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(number)
    assert [signal.getsignal(each) for each in (signal.SIGTERM, signal.SIGINT)] == before
