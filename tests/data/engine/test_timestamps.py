"""Times of any kind: those outside the calendar are missing."""

from __future__ import annotations

from datetime import datetime

import ibis
import pyarrow as pa
import pytest

from churn_mlops.data.engine.timestamps import in_calendar


@pytest.mark.parametrize("unit", ["s", "ms", "us", "ns"])
def test_a_frame_in_any_unit_is_held_against_the_calendar(unit: str) -> None:
    times = pa.array([datetime(2024, 11, 30, 23, 59, 59), None], pa.timestamp(unit))
    found = ibis.memtable(pa.table({"at": times}))
    read = found.select(at=in_calendar(found["at"]).cast("timestamp(6)")).to_pyarrow()["at"].to_pylist()
    assert read == [datetime(2024, 11, 30, 23, 59, 59), None]
