"""Seconds since 1970 under a name that speaks of no time: their values decide whether they are read as times."""

from __future__ import annotations

import numpy as np
import pytest

from churn_mlops.data.discovery.profiled_table import look_at
from churn_mlops.data.discovery.times.counted_times import with_counted_times
from churn_mlops.data.proposal.history_proposal import propose_history
from tests.data.proposal.databases import Frames, shop, tables

_TWO_YEARS = 730 * 86_400


def _times(frames: Frames) -> set[str]:
    return {name for look in with_counted_times(look_at(tables(frames))) for name in look.times}


def _seconds(column: object) -> np.ndarray:
    return np.asarray(column, dtype="datetime64[s]").astype(np.int64)


@pytest.mark.parametrize("after_midnight", [0, 12_345])
def test_a_start_in_seconds_is_read_whatever_it_is_called(after_midnight: int) -> None:
    frames = shop()
    frames["customers"]["d01"] = _seconds(frames["customers"].pop("signup_date")) + after_midnight
    proposal = propose_history(tables(frames), name="x")
    home = proposal.contract.tables["customers"]
    assert (home.start, home.formats) == ("d01", {"d01": "unix_seconds"})
    (said,) = [one.message for one in proposal.findings if one.kind == "unix_times"]
    assert said.endswith("it is read so")


def test_numbers_in_a_row_that_could_be_seconds_are_no_times() -> None:
    frames = shop()
    frames["customers"]["d01"] = 1_680_000_000 + 7 * np.arange(len(frames["customers"]))
    assert "d01" not in _times(frames)


def test_numbers_that_lie_where_no_other_time_lies_are_no_times() -> None:
    frames = shop()
    frames["customers"]["d01"] = np.linspace(
        1_000_000_001, 1_000_000_001 + _TWO_YEARS, len(frames["customers"]), dtype=int
    )
    assert "d01" not in _times(frames)
