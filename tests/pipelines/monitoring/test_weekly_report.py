"""The weekly report is one page that loads nothing, and reaches a chat signed, with a text of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError, DeliveryError
from churn_mlops.pipelines.delivery.webhook import RetryClock, signature
from churn_mlops.pipelines.monitoring.weekly_report import weekly_report
from churn_mlops.store import open_store
from churn_mlops.store.campaigns.campaigns import NewCampaign, create_campaign
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from tests.pipelines.delivery.webhook_receiver import Answer, Receiver, receiving
from tests.store.builders import DAY, NOW

SECRET = "k3y-that-signs-what-is-sent"
PATIENCE = RetryClock(lambda seconds: False)
AUC = StoredMeasurement("auc", "", 0.8123, 0.78, 0.84, 90, 1200, "good", "Nothing to do.", True, DAY)
ROI = StoredMeasurement("roi", "1", -1979.5, -23357.0, 19732.9, 24561.4, 26541.0, "watch", "Not proven yet.", False)
LEVEL = StoredMeasurement("churn_by_level", "fibre", 0.124, 0.11, 0.14, 124, 1000, "act", "Find the cause.")
WAIT = StoredMeasurement("score_drift", str(DAY), None, None, None, None, 12, "too_little", "Wait.")


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    address = f"sqlite:///{tmp_path}/churn.db"
    with open_store(address) as store:
        create_campaign(store, NewCampaign("Spring <i>", "20 % off", 50.0, "Thank you.", DAY, "person:anna"))
        record_measurements(store, DAY, [AUC, ROI, LEVEL, WAIT], clock=lambda: NOW)
    return Settings.model_validate({"store": {"url": address}})


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as receiver:
        yield receiver


def with_webhook(settings: Settings, url: str) -> Settings:
    webhook = {"url": url, "secret": SECRET, "allowed_hosts": ["127.0.0.1"]}
    return Settings.model_validate({"store": {"url": settings.store.url}, "webhook": webhook})


def test_the_page_shows_figures_with_counts_and_status_and_loads_nothing(settings: Settings, tmp_path: Path) -> None:
    found = weekly_report(settings)
    found.write(tmp_path / "weekly.html")
    page = (tmp_path / "weekly.html").read_text(encoding="utf-8")
    for shown in (
        "0.812",
        "0.780 to 0.840",
        "90 of 1,200 customers churned",
        "Good",
        "Spring &lt;i&gt;",
        "\u2212$1,980",
        "Not proven yet.",
    ):
        assert shown in page
    assert "too little data" in page
    assert not re.search(r"<script|<link|<img|src=|url\(|@import", page)


def test_a_name_that_ends_in_pdf_writes_a_pdf(settings: Settings, tmp_path: Path) -> None:
    weekly_report(settings).write(tmp_path / "week.PDF")
    assert (tmp_path / "week.PDF").read_bytes().startswith(b"%PDF-")


def test_the_report_is_sent_signed_and_again_after_a_failure(settings: Settings, receiver: Receiver) -> None:
    receiver.answers = [Answer(503)]
    sent = with_webhook(settings, receiver.url)
    weekly_report(sent).send(sent, PATIENCE)
    first, second = receiver.requests
    assert first.headers["Idempotency-Key"] == second.headers["Idempotency-Key"] == f"churn-weekly-{DAY}"
    proof = signature(SECRET, second.headers["X-Churn-Timestamp"], second.body)
    assert second.headers["X-Churn-Signature"] == proof
    assert "[Watch] Money in less money out, estimated (Spring <i>): \u2212$1,980" in second.document["text"]
    assert second.document["html"].startswith("<!doctype html>")


def test_a_report_that_is_refused_says_so(settings: Settings, receiver: Receiver) -> None:
    receiver.answers = [Answer(400)]
    sent = with_webhook(settings, receiver.url)
    with pytest.raises(DeliveryError, match="the weekly report of 2026-11-22 was not delivered"):
        weekly_report(sent).send(sent, PATIENCE)


def test_nothing_measured_and_no_webhook_name_the_remedy(settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"webhook\.url"):
        weekly_report(settings).send(settings, PATIENCE)
    empty = Settings.model_validate({"store": {"url": f"sqlite:///{tmp_path}/empty.db"}})
    with pytest.raises(ConfigError, match="churn monitor"):
        weekly_report(empty)
