"""What the person on call is told, by the same rules as the alerts."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import get_args

import pytest
from ruamel.yaml import YAML

from churn_mlops import on_call
from churn_mlops.deployment import Deployment
from churn_mlops.on_call import StatusLine, empty_store, late_list, most_urgent, status_lines, unavailable_store
from churn_mlops.pipelines.job_record import JobName
from churn_mlops.store import Store, open_store
from churn_mlops.store.job_records import LONGEST, begin_job, record_job
from churn_mlops.store.measurements import StoredMeasurement, record_measurements
from churn_mlops.store.overview import read_overview
from churn_mlops.store.scoring.publishing import publish
from tests.store.builders import batches, run

ROOT = Path(__file__).parents[1]
NOW = datetime(2026, 11, 29, 12, tzinfo=UTC)
ALERTS = {
    rule["alert"]: rule
    for group in YAML(typ="safe", pure=True).load((ROOT / "infra/monitoring/alerts.yml").read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    address = (
        f"sqlite:///{tmp_path}/churn.db" if request.param == "sqlite" else request.getfixturevalue("postgres_store")
    )
    with open_store(address) as opened:
        yield opened


def tried(store: Store, name: str, *, hours_ago: float, well: bool) -> None:
    ended = NOW - timedelta(hours=hours_ago)
    record_job(store, name, ended - timedelta(seconds=21), ended, has_succeeded=well)


def lines(store: Store, gain: float | None = None) -> list[StatusLine]:
    return status_lines(read_overview(store, lambda: NOW), gain, NOW, "EUR")


def line(store: Store, subject: str, gain: float | None = None) -> StatusLine:
    (found,) = [one for one in lines(store, gain) if one.subject == subject]
    return found


def test_a_new_store_has_no_list_and_no_model(store: Store) -> None:
    found = lines(store)
    assert [(one.subject, one.urgency, one.alert) for one in found] == [
        ("list", "page", "StoreEmpty"),
        ("model", "page", "NoModel"),
    ]


def test_a_source_that_is_not_loaded_any_more_is_a_ticket_and_a_late_list_says_enough(store: Store) -> None:
    for newest, urgency in ((NOW.date() - timedelta(days=3), "ok"), (NOW.date() - timedelta(days=4), "ticket")):
        publish(store, replace(run(), newest_row=newest), batches(3), clock=lambda: NOW)
        assert line(store, "source").urgency == urgency
    assert line(store, "source").found == "the newest row is of 2026-11-25, 4 days ago"
    publish(store, replace(run(), newest_row=newest), batches(3), clock=lambda: NOW - timedelta(hours=27))
    assert not [one for one in lines(store) if one.subject == "source"]


def test_a_store_that_can_be_read_and_not_written_is_a_page(store: Store) -> None:
    seen = read_overview(store)
    assert seen.obstacle is None
    found = status_lines(replace(seen, obstacle="churn.db may not be written"), None, NOW, "EUR")[0]
    assert found == StatusLine(
        "store",
        "page",
        "it cannot be written: churn.db may not be written",
        "no contact is recorded, and no list is published",
        "see docs/runbooks/store-unavailable.md",
        "",
        "docs/runbooks/store-unavailable.md",
    )


def test_a_model_that_is_live_says_since_when(store: Store) -> None:
    live = Deployment("3", "a" * 64, "additive_boosting", NOW - timedelta(days=12), "better")
    assert status_lines(replace(read_overview(store), champion=live), None, NOW, "EUR")[1] == StatusLine(
        "model", "ok", "version 3 (additive_boosting), live for 12 days"
    )


def test_a_job_that_failed_says_since_when_what_it_costs_and_where_to_read_on(store: Store) -> None:
    tried(store, "mature", hours_ago=30, well=True)
    assert line(store, "job mature") == StatusLine("job mature", "ok", "succeeded 30 hours ago, in 21 s")
    tried(store, "mature", hours_ago=6, well=False)
    tried(store, "mature", hours_ago=5, well=False)
    assert line(store, "job mature") == StatusLine(
        "job mature",
        "ticket",
        "failed 5 hours ago, in 2 tries; it succeeded 30 hours ago",
        "no outcomes, so the accuracy on the dashboard stays as it is",
        "see docs/runbooks/job-fails.md",
        "JobFails",
        "docs/runbooks/job-fails.md",
    )


def test_a_job_that_was_killed_is_at_work_for_a_day_and_has_failed_then(store: Store) -> None:
    tried(store, "train", hours_ago=300, well=True)
    begin_job(store, "train", NOW - LONGEST)
    assert line(store, "job train") == StatusLine("job train", "ok", "began 24 hours ago, and has not ended yet")
    begin_job(store, "send", NOW - LONGEST - timedelta(minutes=1))
    found = line(store, "job send")
    assert (found.urgency, found.alert) == ("page", "ListNotSent")
    assert found.found == "failed 1 minute ago, in 1 try; it never succeeded"


def test_a_list_of_a_clock_that_was_ahead_is_missing(store: Store) -> None:
    publish(store, run(), batches(10), clock=lambda: NOW + on_call.AHEAD)
    assert line(store, "list").urgency == "ok"
    publish(store, run(), batches(10), clock=lambda: NOW + on_call.AHEAD + timedelta(seconds=1))
    found = line(store, "list", gain=100.0)
    assert (found.urgency, found.alert) == ("page", "ListMissing")
    assert "published at a time that lies ahead" in found.found


def test_one_customer_is_likely_to_churn(store: Store) -> None:
    publish(store, run(), batches(1), clock=lambda: NOW)
    assert "; 1 of 1 customers is likely to churn" in line(store, "list").found


def test_a_list_is_summed_up_only_where_it_is_late_and_a_sum_that_is_not_known_is_not_made_up(store: Store) -> None:
    publish(store, run(), batches(10), clock=lambda: NOW - on_call.LIST_AGE)
    assert late_list(read_overview(store), NOW) is None
    assert line(store, "list").urgency == "ok"
    assert line(store, "list").found.endswith("; 6 of 10 customers are likely to churn, 7 to contact")
    publish(store, run(), batches(10), clock=lambda: NOW - on_call.LIST_AGE - timedelta(seconds=1))
    late = late_list(read_overview(store), NOW)
    assert late is not None
    assert late == read_overview(store).run
    assert line(store, "list").cost == "each day the expected gain of a list"
    assert line(store, "list", 1234.5).cost == "1,234 EUR a day, the expected gain of a list"
    # offers that campaigns make in any case: a missing list costs no negative amount
    assert line(store, "list", -355.0).cost == "each day the expected gain of a list"
    deleted = replace(read_overview(store), run=replace(late, deleted_at=NOW))
    assert status_lines(deleted, 0.0, NOW, "EUR")[0].cost == "each day the expected gain of a list"


def test_a_list_that_was_not_sent_wakes_someone(store: Store) -> None:
    tried(store, "send", hours_ago=1, well=False)
    found = line(store, "job send")
    assert (found.urgency, found.alert) == ("page", "ListNotSent")
    assert found.found == "failed 1 hour ago, in 1 try; it never succeeded"


@pytest.mark.parametrize(("name", "hours"), [("send", 26), ("train", 8 * 24)])
def test_a_job_that_is_on_no_timetable_any_more_asks_for_nothing(store: Store, name: str, hours: float) -> None:
    tried(store, name, hours_ago=hours, well=False)
    assert line(store, f"job {name}").urgency != "ok"
    tried(store, name, hours_ago=hours + 0.1, well=False)
    found = line(store, f"job {name}")
    assert (found.urgency, found.found.partition(", ")[2]) == ("ok", "and was not tried since")


def test_an_old_backup_is_a_ticket_also_if_no_try_failed(store: Store) -> None:
    tried(store, "backup", hours_ago=26.5, well=True)
    assert line(store, "backup").alert == "BackupMissing"
    tried(store, "backup", hours_ago=25.5, well=True)
    assert [one.urgency for one in lines(store) if "backup" in one.subject] == ["ok"]


def measured(store: Store, at: datetime, status: str) -> None:
    one = StoredMeasurement("auc", "", 0.49, 0.45, 0.53, 30, 900, status, "Train a new model.")
    drift = StoredMeasurement("score_drift", "", 0.6, None, None, None, 900, "act", "Check the source.")
    record_measurements(store, date(2026, 11, 29), [one, drift], clock=lambda: at)


def test_old_figures_and_a_model_that_is_no_better_than_chance_are_tickets_and_bare_drift_is_none(store: Store) -> None:
    measured(store, NOW - timedelta(days=3, minutes=1), "good")
    assert line(store, "figures").alert == "FiguresOld"
    measured(store, NOW - timedelta(hours=2), "act")
    assert line(store, "figures") == StatusLine("figures", "ok", "measured 2 hours ago")
    assert line(store, "figure auc").next_step == "Train a new model"
    assert not [one for one in lines(store) if "drift" in one.subject]


def test_money_that_is_lost_wakes_someone_by_final_labels_alone(store: Store) -> None:
    def lost(part: str, *, is_final: bool) -> StoredMeasurement:
        return StoredMeasurement("money_lost", part, 1234.5, 200, 2300, 8e3, 9e3, "act", "Train.", is_final)

    record_measurements(store, date(2026, 11, 29), [lost("2026-11-22", is_final=False)], clock=lambda: NOW)
    assert not [one for one in lines(store) if one.subject == "money"]
    record_measurements(store, date(2026, 11, 29), [lost("", is_final=True)], clock=lambda: NOW)
    found = line(store, "money")
    assert (found.urgency, found.cost, found.alert) == ("page", "1,234 EUR a month", "MoneyLost")


def test_pages_come_first() -> None:
    found = [StatusLine("a", "ok", ""), StatusLine("b", "ticket", ""), StatusLine("c", "page", "")]
    assert [one.subject for one in most_urgent(found)] == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "less than a minute"),
        (59, "less than a minute"),
        (60, "1 minute"),
        (7199, "1 hour"),
        (47 * 3600, "47 hours"),
        (48 * 3600, "2 days"),
    ],
)
def test_a_length_of_time_is_rounded_down(seconds: int, text: str) -> None:
    assert on_call._length(timedelta(seconds=seconds)) == text


def test_the_rules_are_those_of_the_alerts(store: Store) -> None:
    """Of each line: its alert is there, as urgent as here, and its runbook is the same."""
    for name, hours in (("send", 1), ("train", 1), ("backup", 30)):
        tried(store, name, hours_ago=hours, well=name == "backup")
    measured(store, NOW - timedelta(days=4), "good")
    publish(store, replace(run(), newest_row=date(2026, 11, 1)), batches(3), clock=lambda: NOW)
    lost = StoredMeasurement("money_lost", "", 1234.5, 200, 2300, 8e3, 9e3, "act", "Train.")
    record_measurements(store, date(2026, 11, 30), [lost], clock=lambda: NOW - timedelta(days=4))
    asking = [one for one in (*lines(store), empty_store("x"), unavailable_store("y")) if one.alert]
    assert {one.alert for one in asking} == {
        "StoreEmpty", "StoreUnavailable", "NoModel", "ListNotSent", "JobFails", "SourceStale", "BackupMissing",
        "FiguresOld", "MoneyLost",
    }  # fmt: skip
    for one in asking:
        alert = ALERTS[one.alert]
        assert one.urgency == alert["labels"]["severity"]
        assert one.runbook == alert["annotations"]["runbook"]
        assert one.next_step == f"see {one.runbook}"


@pytest.mark.parametrize("job", [name for name in get_args(JobName) if name != "send"])
def test_the_pages_and_the_costs_know_each_job_that_fails(job: str) -> None:
    assert job in on_call._COST_OF_JOB
    assert f'eq $labels.job_name "{job}"' in ALERTS["JobFails"]["annotations"]["cost"]
    assert f"\n| `{job}` | " in (ROOT / "docs/runbooks/job-fails.md").read_text()
    assert f"`{job}`" in (ROOT / "docs/metrics.md").read_text()


@pytest.mark.parametrize(
    ("alert", "age"),
    [
        ("ListMissing", on_call.LIST_AGE),
        ("BackupMissing", on_call.BACKUP_AGE),
        ("FiguresOld", on_call.FIGURES_AGE),
        ("ListNotSent", on_call.SEND_TRIED),
        ("JobFails", on_call.JOB_TRIED),
    ],
)
def test_the_times_are_those_of_the_alerts(alert: str, age: timedelta) -> None:
    number, factor = re.findall(r"> (\d+) \* (\d+)", ALERTS[alert]["expr"])[-1]
    assert age == timedelta(seconds=int(number) * int(factor))
