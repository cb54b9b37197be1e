"""Tables of survival times: the time until the event is no feature."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from churn_mlops.data.proposal.flat_proposal import propose
from churn_mlops.data.sources.dataframes import table_of_frame

RNG = np.random.default_rng(3)
ROWS = 400


@pytest.mark.parametrize(
    ("label", "time", "is_excluded"),
    [
        ("observed", "duration", True),
        ("event", "tstop", True),
        ("Death", "futime", True),
        ("CENSOR", "T", True),
        ("churned", "duration", False),
        ("event", "tenure", False),
    ],
)
def test_the_time_until_an_event_is_a_suspected_leak(label: str, time: str, is_excluded: bool) -> None:
    frame = pd.DataFrame(
        {time: RNG.integers(1, 400, ROWS), "age": RNG.integers(20, 70, ROWS), label: RNG.integers(0, 2, ROWS)}
    )
    found = propose(table_of_frame(frame), name="t", label=label, positive=1)
    assert (time in found.contract.set_aside) is is_excluded
    if is_excluded:
        why = found.contract.set_aside[time]
        assert why.reason == "suspected_leak"
        assert f"the time until {label!r} or the last look" in str(why.note)
