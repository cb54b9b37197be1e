"""Strong features of an honest history are no leaks: what reads rows known at the as-of date is believed.

`python -m bench.honest` (part of `make study`) does the same over 20 seeds.
"""

from __future__ import annotations

import pytest

from tests.companies.strong import event_log, fading_subscribers, leakage_of, proposed


def test_a_log_with_the_proposed_days_of_inactivity_raises_no_suspicion() -> None:
    found = leakage_of(*proposed(event_log("monthly", seed=1)))
    assert not found.findings
    assert not found.blind


def test_with_days_too_long_for_the_rhythm_the_true_cause_is_named_and_nothing_is_refused() -> None:
    found = leakage_of(*proposed(event_log("often", seed=2), inactive_days=90))
    assert not found.sure
    assert {finding.kind for finding in found.findings} == {"nearly_decided"}
    assert "days_since_orders" in {finding.feature for finding in found.findings}
    for finding in found.findings:
        assert "no leak" in finding.message
        assert "90 days without a row (label.inactive.days) are long for these customers" in finding.message


@pytest.mark.parametrize("recorded", [True, False])
def test_a_silence_before_the_end_is_no_leak_however_much_it_decides(recorded: bool) -> None:
    found = leakage_of(*fading_subscribers(seed=3, recorded=recorded))
    assert not found.sure
    silent = [finding for finding in found.findings if finding.feature == "days_since_visits"]
    assert silent
    said = "honest if that is when they were really recorded" if recorded else "declare its recorded time (known_at)"
    assert said in silent[0].message
