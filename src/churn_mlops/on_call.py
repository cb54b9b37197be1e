"""The first look of the person on call: what works, what is late, what that costs, and what to do.

The rules are those of ``infra/monitoring/alerts.yml`` that the store alone can answer; a test holds the two together.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Literal

from churn_mlops.deployment import Deployment
from churn_mlops.store.job_records import JobRecord
from churn_mlops.store.measurements import MeasuredDay
from churn_mlops.store.overview import Overview
from churn_mlops.store.scoring.runs import Run

Urgency = Literal["ok", "ticket", "page"]
LIST_AGE, BACKUP_AGE, FIGURES_AGE = timedelta(hours=26), timedelta(hours=26), timedelta(days=3)
SOURCE_AGE = timedelta(days=4)
AHEAD = timedelta(days=3)
"""By so much a list may be dated ahead: the schedule waits until then, and a few days pass by themselves."""
SEND_TRIED, JOB_TRIED = timedelta(hours=26), timedelta(days=8)
"""A job without a try for so long is on no timetable any more."""
RUNBOOKS = "docs/runbooks"
_OF_THE_MODEL = ("auc", "log_loss", "calibration", "top_decile_calibration")
_COST_OF_EMPTY = "all contacts, lists and users until the store is restored, if there were any"
_UNSENT = "the system that takes the list has an older one"
_COST_OF_JOB = {
    "score": "agents work an older list",
    "mature": "no outcomes, so the accuracy on the dashboard stays as it is",
    "monitor": "the figures of the dashboard grow old",
    "review": "a model that earns less stays live; a better one on trial waits",
    "train": "no newer model; the present one stays live",
    "backup": "nothing, unless the store is lost; then all contacts since",
}


@dataclass(frozen=True)
class StatusLine:
    """How one thing stands.

    Args:
        subject: what it is about, such as "list" or "job backup".
        urgency: "page": someone acts now; "ticket": someone acts within days; "ok": no one acts.
        found: how it stands, in a sentence without its full stop.
        cost: what it costs while it stays so; empty where nothing is wrong.
        next_step: what to do; empty where nothing is wrong.
        alert: the alert that Prometheus fires for it; empty where there is none.
        runbook: the page that says what to do, by its path in the repository; empty where there is none.
    """

    subject: str
    urgency: Urgency
    found: str
    cost: str = ""
    next_step: str = ""
    alert: str = ""
    runbook: str = ""


def empty_store(where: str) -> StatusLine:
    """The line of a store without tables."""
    return _asks("page", "store", f"there is none in {where}", _COST_OF_EMPTY, "StoreEmpty", "store-empty")


def unavailable_store(why: str) -> StatusLine:
    """The line of a store that cannot be read."""
    cost = "no contact is recorded, no list is shown, and no one can sign in"
    return _asks("page", "store", why, cost, "StoreUnavailable", "store-unavailable")


def status_lines(seen: Overview, gain: float | None, now: datetime, currency: str) -> list[StatusLine]:
    """How list, model, jobs and figures stand.

    Args:
        seen: what the store said.
        gain: sum of the expected gains of the newest list, None where it is not known; only a late list needs it.
        now: the present, with a time zone.
        currency: of the amounts, by its code.
    """
    jobs = {job.name: job for job in seen.jobs}
    return [
        *_closed(seen.obstacle),
        _list(seen.run, gain, now, currency),
        *_source(seen.run, now),
        _model(seen.champion, now),
        *(_job(job, now) for job in jobs.values()),
        *_backup(jobs, now),
        *_figures(seen.measured, now, currency),
    ]


def late_list(seen: Overview, now: datetime) -> Run | None:
    """The run of the newest list if that list is late, otherwise None: to sum up a large list takes seconds."""
    return seen.run if seen.run is not None and now - seen.run.finished_at > LIST_AGE else None


def _closed(obstacle: str | None) -> Iterator[StatusLine]:
    """Reading works, so that no alert says it before requests fail, or the list of the next day is missing."""
    if obstacle is not None:
        cost = "no contact is recorded, and no list is published"
        yield _asks("page", "store", f"it cannot be written: {obstacle}", cost, "", "store-unavailable")


def _list(run: Run | None, gain: float | None, now: datetime, currency: str) -> StatusLine:
    if run is None:
        return _asks("page", "list", "none was ever published", _COST_OF_EMPTY, "StoreEmpty", "store-empty")
    age = now - run.finished_at
    is_ahead = age < -AHEAD
    found = f"as of {run.as_of}, " + ("published at a time that lies ahead" if is_ahead else f"published {ago(age)}")
    if age > LIST_AGE or is_ahead:
        # by age: nothing is left to sum up; an offer of a campaign may cost more than it is expected to bring
        is_known = gain is not None and gain >= 0 and run.deleted_at is None
        amount = f"{gain:,.0f} {currency} a day," if is_known else "each day"
        return _asks("page", "list", found, f"{amount} the expected gain of a list", "ListMissing", "list-missing")
    verb = "is" if run.likely == 1 else "are"
    counts = f"{run.likely:,} of {run.customers:,} customers {verb} likely to churn, {run.worth_an_offer:,} to contact"
    return StatusLine("list", "ok", f"{found}; {counts}")


def _source(run: Run | None, now: datetime) -> Iterator[StatusLine]:
    """A flat table has no dates, so nothing is known of it; where the list is late, that line says enough."""
    if run is None or run.newest_row is None or now - run.finished_at > LIST_AGE:
        return
    found = f"the newest row is of {run.newest_row}"
    if now - datetime.combine(run.newest_row, time(), UTC) > SOURCE_AGE:
        old = f"{found}, {(now.astimezone(UTC).date() - run.newest_row).days} days ago"
        cost = "the list does not know what customers have done since"
        yield _asks("ticket", "source", old, cost, "SourceStale", "source-stale")
    else:
        yield StatusLine("source", "ok", found)


def _model(champion: Deployment | None, now: datetime) -> StatusLine:
    if champion is None:
        return _asks("page", "model", "no version is live", "no prediction is answered", "NoModel", "no-model")
    live = f"version {champion.version} ({champion.model_type}), live for {_length(now - champion.since)}"
    return StatusLine("model", "ok", live)


def _job(job: JobRecord, now: datetime) -> StatusLine:
    subject, since = f"job {job.name}", now - job.ended_at
    is_sending = job.name == "send"
    if job.failures and since <= (SEND_TRIED if is_sending else JOB_TRIED):
        last = "it never succeeded" if job.succeeded_at is None else f"it succeeded {ago(now - job.succeeded_at)}"
        found = f"failed {ago(since)}, in {job.failures} tr{'y' if job.failures == 1 else 'ies'}; {last}"
        if is_sending:
            return _asks("page", subject, found, _UNSENT, "ListNotSent", "list-not-sent")
        return _asks("ticket", subject, found, _COST_OF_JOB.get(job.name, "not known"), "JobFails", "job-fails")
    if job.is_open:
        return StatusLine(subject, "ok", f"began {ago(now - job.began_at)}, and has not ended yet")
    if job.failures:
        return StatusLine(subject, "ok", f"failed {ago(since)}, and was not tried since")
    return StatusLine(subject, "ok", f"succeeded {ago(since)}, in {job.seconds:,.0f} s")


def _backup(jobs: Mapping[str, JobRecord], now: datetime) -> Iterator[StatusLine]:
    """A company without any backup has no alert: it may have another way."""
    job = jobs.get("backup")
    if job is not None and job.succeeded_at is not None and now - job.succeeded_at > BACKUP_AGE:
        found, cost = f"the newest was made {ago(now - job.succeeded_at)}", _COST_OF_JOB["backup"]
        yield _asks("ticket", "backup", found, cost, "BackupMissing", "backup-missing")


def _figures(measured: MeasuredDay | None, now: datetime, currency: str) -> Iterator[StatusLine]:
    if measured is None:
        return
    age = now - measured.measured_at
    found = f"measured {ago(age)}"
    if age > FIGURES_AGE:
        yield _asks("ticket", "figures", found, "a bad model stays unseen", "FiguresOld", "figures-old")
    else:
        yield StatusLine("figures", "ok", found)
    for one in measured.figures:
        if one.name == "money_lost" and one.status == "act" and one.is_final:
            found, cost = "the lists earn less than when the model was newer", f"{one.value:,.0f} {currency} a month"
            yield _asks("page", "money", found, cost, "MoneyLost", "money-lost")
        if one.name in _OF_THE_MODEL and one.status == "act" and one.is_final and not one.part:
            name, found = one.name.replace("_", " "), f"{one.value:.3g}, on the newest final labels"
            yield StatusLine(f"figure {name}", "ticket", found, next_step=one.next_step.rstrip("."))


def _asks(urgency: Urgency, subject: str, found: str, cost: str, alert: str, runbook: str) -> StatusLine:
    page = f"{RUNBOOKS}/{runbook}.md"
    return StatusLine(subject, urgency, found, cost, f"see {page}", alert, page)


def most_urgent(lines: Iterable[StatusLine]) -> list[StatusLine]:
    """The lines, pages first, then tickets."""
    return sorted(lines, key=lambda line: ("page", "ticket", "ok").index(line.urgency))


def ago(age: timedelta) -> str:
    """A time that has passed, rounded down, such as "3 hours ago"."""
    return f"{_length(age)} ago"


def _length(age: timedelta) -> str:
    """A length of time in its largest unit, rounded down; from two days on in days."""
    seconds = max(0, int(age.total_seconds()))
    for size, unit in ((86_400, "day"), (3_600, "hour"), (60, "minute")):
        if seconds >= size * (2 if unit == "day" else 1):
            count = seconds // size
            return f"{count} {unit}{'' if count == 1 else 's'}"
    return "less than a minute"
