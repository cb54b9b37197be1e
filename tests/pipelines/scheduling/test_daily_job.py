"""The daily job: published, sent and recorded, each once, however often a day is tried."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from structlog.testing import capture_logs

from churn_mlops.config import Settings
from churn_mlops.errors import ConfigError, DeliveryError, StoreBusyError
from churn_mlops.pipelines.delivery.send_list import LOCK, send_list
from churn_mlops.pipelines.delivery.webhook import RetryClock
from churn_mlops.pipelines.scheduling.daily_job import daily_job, last_success, timetable_of
from churn_mlops.pipelines.scheduling.timetable import Timetable
from churn_mlops.pipelines.scoring.publish import run_day
from churn_mlops.store import open_store
from churn_mlops.store.database.run_lock import scoring_lock
from churn_mlops.store.prediction_log import PredictionRecord, records_of, write_records
from churn_mlops.store.scoring.runs import latest_run
from tests.companies.small import Company
from tests.pages import blocks
from tests.pipelines.delivery.webhook_receiver import Answer, Receiver, receiving

SECRET = "k3y-that-signs-what-is-sent"
DAY = date(2026, 11, 23)
TIMETABLE = Timetable(time(6), ZoneInfo("UTC"))
PATIENCE = RetryClock(lambda seconds: False)
HISTORY = """
name: tests
customer: id
time_zone: Europe/Berlin
tables:
  customers: {start: signed_on}
features:
  tenure: {age_of: customers.start, unit: months}
"""


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    with receiving() as receiver:
        yield receiver


@dataclass(frozen=True)
class Job:
    """A daily job of a small company, with a store and a webhook of its own."""

    settings: Settings

    def published_at(self) -> datetime:
        with open_store(self.settings.store.url) as store:
            run = latest_run(store)
        assert run is not None
        return run.finished_at


@pytest.fixture
def job(company: Company, receiver: Receiver, tmp_path: Path) -> Job:
    hook = {"url": receiver.url, "secret": SECRET, "allowed_hosts": ["127.0.0.1"]}
    given = company.with_settings("store", url=f"sqlite:///{tmp_path / 'store.db'}").settings.model_dump()
    return Job(Settings.model_validate(given | {"webhook": hook}))


def test_a_list_that_was_published_and_not_accepted_is_sent_again_and_not_published_again(
    job: Job, receiver: Receiver
) -> None:
    run = daily_job(job.settings, TIMETABLE, PATIENCE).run
    receiver.answers = [Answer(400)]
    with pytest.raises(DeliveryError, match="answered 400"):
        run(DAY)
    published_at = job.published_at()
    run(DAY)
    assert job.published_at() == published_at
    assert len(receiver.requests) == 2
    run(DAY)
    assert job.published_at() > published_at


def test_a_list_that_a_killed_run_left_unsent_is_sent_by_the_next_and_not_published_again(
    job: Job, receiver: Receiver
) -> None:
    published = run_day(job.settings, DAY)  # and killed here
    following = daily_job(job.settings, TIMETABLE, PATIENCE)
    assert following.last_success() is None
    following.run(DAY)
    assert job.published_at() == published.run.finished_at
    (request,) = receiver.requests
    listed = published.scored.customers.slice(0, max(published.run.likely, published.run.worth_an_offer))
    assert request.document["customers"] == [
        row | {"customer_id": str(row["customer_id"])} for row in listed.to_pylist()
    ]
    success = following.last_success()
    assert success is not None
    assert success.as_of == DAY


def test_a_list_that_is_published_again_while_it_is_sent_is_not_mixed(job: Job, receiver: Receiver) -> None:
    run_day(job.settings, DAY)
    waited = iter([lambda: run_day(job.settings, DAY)])

    def wait(_seconds: float) -> bool:
        next(waited)()  # another run publishes while the receiver is waited for
        return False

    receiver.answers = [Answer(), Answer(503)]
    small = job.settings.webhook.model_copy(update={"page_rows": 1})
    settings = job.settings.model_copy(
        update={"webhook": small, "decision": job.settings.decision.model_copy(update={"threshold": 0.05})}
    )
    with open_store(settings.store.url) as store:
        assert latest_run(store) is not None
    run_day(settings, DAY)
    with pytest.raises(DeliveryError, match="was published again while it was sent"):
        send_list(settings, DAY, RetryClock(wait))
    assert last_success(settings, TIMETABLE) is None
    assert send_list(settings, DAY, PATIENCE) is not None
    assert last_success(settings, TIMETABLE) is not None


def test_a_run_deletes_the_answers_that_are_too_old_to_keep(job: Job) -> None:
    now = datetime(2026, 11, 23, 6, tzinfo=UTC)
    with open_store(job.settings.store.url) as store:
        for id, days in (("old", 91), ("young", 89)):
            at = now - timedelta(days=days)
            write_records(store, [PredictionRecord(id, at, at.date(), "1", "f" * 64, "local", None, "{}", "{}")])
        run_day(job.settings, DAY, now=now)
        assert [len(records_of(store, id)) for id in ("old", "young")] == [0, 1]


def test_a_list_is_not_sent_by_two_jobs(job: Job, receiver: Receiver) -> None:
    run_day(job.settings, DAY)
    with open_store(job.settings.store.url) as store, scoring_lock(store, LOCK), pytest.raises(StoreBusyError):
        send_list(job.settings, DAY, PATIENCE)
    assert receiver.requests == []
    assert send_list(job.settings, DAY, PATIENCE) is not None
    assert send_list(job.settings, DAY, PATIENCE) is None
    assert len(receiver.requests) == 1


def test_what_another_run_published_just_before_is_not_published_again(job: Job) -> None:
    first, second = (daily_job(job.settings, TIMETABLE, PATIENCE) for _ in range(2))
    assert first.last_success() is None
    assert second.last_success() is None
    first.run(DAY)
    published_at = job.published_at()
    with pytest.raises(StoreBusyError, match=f"another run published {DAY} at .* about to begin"):
        second.run(DAY)
    assert job.published_at() == published_at
    second.last_success()
    second.run(DAY)
    assert job.published_at() > published_at


def test_the_receiver_of_the_page_knows_what_is_genuine(job: Job, receiver: Receiver) -> None:
    daily_job(job.settings, TIMETABLE, PATIENCE).run(DAY)
    names: dict[str, object] = {}
    (example,) = (block.text for block in blocks("docs/daily.md") if block.language == "python")
    exec(compile(example, "docs/daily.md", "exec"), names)
    is_genuine = names["is_genuine"]
    assert callable(is_genuine)
    (request,) = receiver.requests
    assert is_genuine(request.headers, request.body, SECRET)
    assert not is_genuine(request.headers, request.body, SECRET[1:])
    assert not is_genuine(request.headers, request.body.replace(b"customers", b"Customers"), SECRET)


def test_a_list_counts_for_its_day_and_one_of_another_day_for_that_on_which_it_was_made(
    job: Job, company: Company
) -> None:
    assert last_success(job.settings, TIMETABLE) is None
    daily_job(job.settings, TIMETABLE, PATIENCE).run(date(2020, 1, 1))
    found = last_success(job.settings, TIMETABLE)
    assert found is not None
    assert found.as_of == date(2020, 1, 1)
    latest = job.settings.source.model_copy(update={"as_of": "latest"})
    settings = job.settings.model_copy(update={"source": latest})
    assert last_success(settings, TIMETABLE) is None, "whose date was asked for is not of the day on which it was made"
    daily_job(settings, TIMETABLE, PATIENCE).run(DAY)
    found = last_success(settings, TIMETABLE)
    assert found is not None
    assert found.as_of == TIMETABLE.last(job.published_at()).as_of
    assert found.list_as_of == datetime.now().astimezone().date()
    assert datetime.now(UTC) - found.finished_at < timedelta(hours=1)


def test_a_list_of_an_earlier_day_than_the_newest_is_reported(job: Job) -> None:
    ahead = datetime.now().astimezone().date() + timedelta(days=2)
    run_day(job.settings, ahead)
    with capture_logs() as logs:
        run_day(job.settings)
        run_day(job.settings, DAY)  # asked for
    found = [(one["as_of"] < one["newer"], one["newer"]) for one in logs if one["event"] == "older_list_published"]
    assert found == [(True, ahead)]


def with_contract(tmp_path: Path, **schedule: str) -> Settings:
    path = tmp_path / "contract.yaml"
    path.write_text(HISTORY)
    return Settings.model_validate({"contract": {"path": path}, "schedule": schedule})


def test_the_time_zone_is_the_settings_or_the_contracts_or_utc(tmp_path: Path, company: Company) -> None:
    now = datetime(2026, 11, 23, 12, tzinfo=UTC)
    assert timetable_of(with_contract(tmp_path), now) == Timetable(time(6), ZoneInfo("Europe/Berlin"))
    settings = with_contract(tmp_path, time_zone="America/New_York", at="05:30")
    assert timetable_of(settings, now) == Timetable(time(5, 30), ZoneInfo("America/New_York"))
    assert timetable_of(company.settings, now) == TIMETABLE


def test_a_run_is_not_due_before_its_day_has_begun_where_days_are_counted(tmp_path: Path) -> None:
    settings = with_contract(tmp_path, time_zone="Pacific/Auckland")
    with pytest.raises(
        ConfigError, match=r"in Pacific/Auckland \(schedule.time_zone\) the day has not begun in Europe"
    ):
        timetable_of(settings, datetime(2026, 11, 23, 12, tzinfo=UTC))


def test_past_days_need_a_history_and_are_those_of_the_calendar(tmp_path: Path) -> None:
    settings = with_contract(tmp_path)
    assert daily_job(settings, TIMETABLE, PATIENCE, backfill=True)
    latest = settings.model_copy(update={"source": settings.source.model_copy(update={"as_of": "latest"})})
    with pytest.raises(ConfigError, match=r"source\.as_of is latest: --backfill needs `today`"):
        daily_job(latest, TIMETABLE, PATIENCE, backfill=True)
