"""A job has one record: its last try, with the last success kept through failures, on both databases."""

from __future__ import annotations

from datetime import timedelta

from churn_mlops.store import Store
from churn_mlops.store.job_records import JobRecord, job_records, record_job
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
