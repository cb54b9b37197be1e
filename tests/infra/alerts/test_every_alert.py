"""Every alert has a real cause that makes it fire, and a real end: here, or with a real Prometheus."""

from __future__ import annotations

import re
from pathlib import Path

from tests.infra.test_alerts import ALERTS

HERE = Path(__file__).parent
COURSES = [path.read_text(encoding="utf-8") for path in HERE.glob("test_*_alert*.py") if path != Path(__file__)]
WATCHED = (HERE.parent / "test_watch.py").read_text(encoding="utf-8")


def test_every_alert_is_made_to_fire_and_to_end_in_one_place() -> None:
    observed = {name for text in COURSES for name in re.findall(r'\.expect\("(\w+)"', text)}
    watched, ended = (set(re.findall(rf'wait_for\("(\w+)", "{status}"', WATCHED)) for status in ("firing", "resolved"))
    assert watched == ended
    assert observed & watched == set()
    assert observed | watched == set(ALERTS)


def test_every_course_is_compared_with_the_rules() -> None:
    for text in COURSES:
        tests = text.split("\ndef test_")[1:]
        assert [test for test in tests if ".expect(" in test and not test.rstrip().endswith("observed.check()")] == []
