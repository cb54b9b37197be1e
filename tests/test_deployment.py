"""A deployment as plain data: its times have a time zone, its entry reads back, and rollbacks take it back."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from churn_mlops.deployment import Deployment, active_history

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def deployment(sha256: str, minute: int = 0, *, rollback: bool = False) -> Deployment:
    return Deployment(sha256, sha256, "boosting", NOON + timedelta(minutes=minute), "", rollback)


def active(*deployments: Deployment) -> list[str]:
    return [one.version for one in active_history(deployments)]


def test_an_entry_reads_back_as_the_deployment_with_times_in_utc() -> None:
    east = timezone(timedelta(hours=2))
    one = Deployment("1", "a", "boosting", NOON.astimezone(east), "why", until=NOON + timedelta(milliseconds=5))
    entry = one.to_entry()
    assert (entry["since"], entry["to"]) == ("2026-11-23T12:00:00.000+00:00", "2026-11-23T12:00:00.005+00:00")
    assert Deployment.from_entry(entry) == one


def test_a_time_without_a_time_zone_is_refused() -> None:
    with pytest.raises(ValueError, match="no time zone"):
        Deployment("1", "a", "boosting", NOON.replace(tzinfo=None), "")
    with pytest.raises(ValueError, match="no time zone"):
        Deployment("1", "a", "boosting", NOON, "", until=NOON.replace(tzinfo=None))


def test_each_rollback_takes_back_one_version_and_a_later_one_can_be_taken_back_too() -> None:
    three = [deployment("a", 1), deployment("b", 2), deployment("c", 3)]
    assert active(*three) == ["a", "b", "c"]
    back = [*three, deployment("b", 4, rollback=True)]
    assert active(*back) == ["a", "b"]
    assert active(*back, deployment("a", 5, rollback=True)) == ["a"]
    assert active(*back, deployment("d", 5)) == ["a", "b", "d"]


def test_a_version_deployed_twice_in_a_row_counts_once() -> None:
    assert active(deployment("a", 1), deployment("a", 2)) == ["a"]


def test_two_versions_with_one_bundle_are_two_and_a_rollback_goes_between_them() -> None:
    first, second = (replace(deployment("x", minute), version=str(minute)) for minute in (1, 2))
    assert active(first, second) == ["1", "2"]
    back = replace(deployment("x", 3, rollback=True), version="1")
    assert active(first, second, back) == ["1"]
    assert active(deployment("a"), first, second, back, deployment("a", 4, rollback=True)) == ["a"]


def test_a_rollback_under_another_number_takes_back_no_more_than_one_to_its_bundle() -> None:
    before = [deployment("z", 1), deployment("a", 2), deployment("b", 3)]
    assert active(*before, replace(deployment("a", 4, rollback=True), version="registry-2")) == ["z", "registry-2"]


def test_rollbacks_that_two_machines_once_made_independently_count_as_one() -> None:
    before = [deployment("a", 1), deployment("b", 2), deployment("c", 3)]
    both = [*before, deployment("b", 4, rollback=True), deployment("b", 5, rollback=True)]
    assert active(*both) == ["a", "b"]
    assert active(*both, deployment("a", 6, rollback=True), deployment("a", 7, rollback=True)) == ["a"]
    unknown = [*before, deployment("d", 4), deployment("b", 5, rollback=True)]  # back past what the other made live
    assert active(*unknown) == ["a", "b"]
