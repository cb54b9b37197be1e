"""An arm follows from key, campaign and customer alone; shares are as designed."""

from __future__ import annotations

import hashlib
import hmac

from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import binomtest

from churn_mlops.retention.arms import arm_of, arms_of

UNITS = [f"C{number:07d}" for number in range(40_000)]
SHARES = {"control_share": 0.1, "explore_share": 0.01}
SURE = 1e-4
"""An exact test with a smaller probability fails; the draws are fixed, so it fails always or never."""


@settings(deadline=None)
@given(st.text(min_size=1), st.text(), st.lists(st.text(), min_size=1, max_size=20))
def test_one_unit_is_drawn_as_many_and_again_as_before(key: str, campaign: str, units: list[str]) -> None:
    many = arms_of(key, campaign, units, **SHARES)
    for place, unit in enumerate(units):
        one = arm_of(key, campaign, unit, **SHARES)
        assert (one.arm == "control", one.explores, one.place) == (
            many.control[place],
            many.explores[place],
            many.place[place],
        )


def test_a_draw_can_be_replayed_by_the_standard_library() -> None:
    digest = hmac.new(b"our key", b"Spring\x00C0000017", hashlib.sha256).digest()
    arm, explorer = (int.from_bytes(digest[first : first + 8]) / 2**64 for first in (0, 8))
    found = arm_of("our key", "Spring", "C0000017", **SHARES)
    assert found.place == explorer
    assert found.explores == (explorer < 0.01)
    assert (found.arm == "control") == (arm < (0.5 if explorer < 0.01 else 0.1))


def test_the_shares_are_as_designed() -> None:
    drawn = arms_of("our key", "Spring", UNITS, **SHARES)
    explorers = int(drawn.explores.sum())
    assert binomtest(explorers, len(UNITS), 0.01).pvalue > SURE
    assert binomtest(int(drawn.control[drawn.explores].sum()), explorers, 0.5).pvalue > SURE
    assert binomtest(int(drawn.control[~drawn.explores].sum()), len(UNITS) - explorers, 0.1).pvalue > SURE


def test_campaigns_and_keys_draw_independently() -> None:
    first = arms_of("our key", "Spring", UNITS, control_share=0.5, explore_share=0.0)
    for key, campaign in (("our key", "Summer"), ("another key", "Spring")):
        other = arms_of(key, campaign, UNITS, control_share=0.5, explore_share=0.0)
        assert binomtest(int((first.control == other.control).sum()), len(UNITS), 0.5).pvalue > SURE


def test_no_share_draws_no_customer_and_a_larger_one_only_adds() -> None:
    none = arms_of("our key", "Spring", UNITS, control_share=0.0, explore_share=0.0)
    assert not none.control.any()
    assert not none.explores.any()
    few, many = (arms_of("our key", "Spring", UNITS, control_share=share, explore_share=0.0) for share in (0.1, 0.3))
    assert (few.control <= many.control).all()
