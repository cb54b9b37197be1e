"""A short form of the study of retraining: one company, some months, both bad versions."""

from __future__ import annotations

from bench.retraining.figures import one_company, summary
from bench.retraining.rules import CALENDARS


def test_a_bad_version_is_refused_and_one_that_slips_through_goes_back_within_the_month() -> None:
    found = one_company((1, 6, 3000))
    assert found["bad_refused"]
    assert found["slipped"]
    assert found["back_after"] is not None
    assert found["went_back"] == 0
    assert found["slipped_worse"] == (found["slipped_gain_percent"] <= -5)
    assert found["ours_with_faults"] <= found["money_of_the_truth"]
    together = summary([found, found])
    assert together["slipped_worse"] == 2 * found["slipped_worse"]
    assert together["promoted_worse"] == 2 * len(found["promoted_worse"])
    for run in ("without_faults", "with_faults"):
        assert set(together[run]["calendars"]) == set(CALENDARS)
        assert together[run]["standard_error"] == 0.0
