"""A job has one record: its last try, with the last success kept through failures, on both databases."""

from __future__ import annotations

from datetime import timedelta

from churn_mlops.store import Store
from churn_mlops.store.job_records import (
    LONGEST,
    OVERLAP,
    JobRecord,
    begin_job,
    job_records,
    record_job,
    withdraw_job,
)
from tests.store.builders import NOW

MINUTE = timedelta(minutes=1)


def test_the_last_try_of_each_job_comes_back(store: Store) -> None:
    assert job_records(store) == []
    record_job(store, "score", NOW, NOW + MINUTE, has_succeeded=True)
    record_job(store, "backup", NOW, NOW + 2 * MINUTE, has_succeeded=False)
    assert job_records(store) == [
        JobRecord("backup", NOW, NOW + 2 * MINUTE, False, None, 1),
        JobRecord("score", NOW, NOW + MINUTE, True, NOW + MINUTE, 0),
    ]
    assert [one.seconds for one in job_records(store)] == [120, 60]


def test_failures_are_counted_until_a_success_which_stays_known(store: Store) -> None:
    record_job(store, "score", NOW, NOW + MINUTE, has_succeeded=True)
    for number in (1, 2):
        at = NOW + number * timedelta(days=1)
        record_job(store, "score", at, at + MINUTE, has_succeeded=False)
        assert job_records(store) == [JobRecord("score", at, at + MINUTE, False, NOW + MINUTE, number)]
    at = NOW + timedelta(days=3)
    record_job(store, "score", at, at + MINUTE, has_succeeded=True)
    assert job_records(store) == [JobRecord("score", at, at + MINUTE, True, at + MINUTE, 0)]


def test_a_try_that_was_killed_has_failed_when_the_next_begins(store: Store) -> None:
    first, second, third = (NOW + timedelta(days=number) for number in range(3))
    begin_job(store, "train", first)
    [opened] = job_records(store, first + MINUTE)
    assert (opened.is_open, opened.failures, opened.succeeded_at) == (True, 0, None)
    for failures, at in ((1, second), (2, third)):
        begin_job(store, "train", at)
        [killed] = job_records(store, at)
        assert (killed.is_open, killed.failures, killed.began_at) == (True, failures, at)
        assert at - MINUTE < killed.ended_at < at
    record_job(store, "train", third, third + MINUTE, has_succeeded=True)
    assert job_records(store) == [JobRecord("train", third, third + MINUTE, True, third + MINUTE, 0)]


def test_a_try_that_was_killed_has_failed_after_a_day_also_without_a_next_one(store: Store) -> None:
    record_job(store, "train", NOW, NOW + MINUTE, has_succeeded=True)
    at = NOW + timedelta(days=1)
    begin_job(store, "train", at)
    assert [one.failures for one in job_records(store, at + LONGEST)] == [0]
    assert job_records(store, at + LONGEST + MINUTE) == [
        JobRecord("train", at, at + LONGEST, False, NOW + MINUTE, 1),
    ]


def test_two_tries_that_overlap_are_no_failure(store: Store) -> None:
    begin_job(store, "train", NOW)
    begin_job(store, "train", NOW + OVERLAP)
    [one] = job_records(store)
    assert (one.began_at, one.failures) == (NOW, 0)
    record_job(store, "train", NOW, NOW + 2 * OVERLAP, has_succeeded=True)
    assert [(one.is_open, one.failures) for one in job_records(store)] == [(False, 0)]


def test_what_was_no_try_is_taken_back_and_what_another_wrote_stays(store: Store) -> None:
    withdraw_job(store, "score", NOW, begin_job(store, "score", NOW))
    assert job_records(store) == []
    record_job(store, "score", NOW, NOW + MINUTE, has_succeeded=True)
    [known], at = job_records(store), NOW + timedelta(days=1)
    withdraw_job(store, "score", at, begin_job(store, "score", at))
    assert job_records(store) == [known]
    before = begin_job(store, "score", at)
    record_job(store, "score", at - MINUTE, at + MINUTE, has_succeeded=False)
    withdraw_job(store, "score", at, before)
    assert [one.failures for one in job_records(store)] == [1]


def test_a_try_whose_clock_was_put_back_has_ended(store: Store) -> None:
    begin_job(store, "score", NOW)
    record_job(store, "score", NOW, NOW - timedelta(days=1), has_succeeded=True)
    assert [(one.is_open, one.seconds) for one in job_records(store, NOW)] == [(False, 0)]
