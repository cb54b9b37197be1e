"""Companies with a known truth: what is proposed for their database is right, or asked about, and never silently wrong.

``python -m bench.truth`` tries 300 companies.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.companies.known_truth.draw import dealt, drawn, made
from tests.companies.known_truth.planted_leaks import PLANTED_LEAKS
from tests.companies.known_truth.structures import PANELS
from tests.companies.known_truth.verdicts import verdicts

HANDS = 12


@pytest.mark.parametrize("hand", range(HANDS))
def test_no_company_is_silently_misread(hand: int) -> None:
    shapes = dealt(1, HANDS)[hand]
    found = verdicts(made(np.random.default_rng(hand), shapes))
    assert [str(one) for one in found if one.verdict == "silently wrong"] == [], shapes


@pytest.mark.parametrize(
    "seed",
    [
        pytest.param(143, id="the list, by a start that a migration wrote"),
        pytest.param(163, id="a leak where few left"),
        pytest.param(257, id="the newest day, by ends alone"),
        pytest.param(338, id="a leak where few fell silent"),
        pytest.param(401, id="the newest day of subscriptions"),
        pytest.param(403, id="versions whose key has no name of one"),
        pytest.param(701, id="the newest day, by an end that the rows alone show"),
    ],
)
def test_a_company_that_was_silently_misread_once_is_not_again(seed: int) -> None:
    found = verdicts(drawn(seed))
    assert [str(one) for one in found if one.verdict == "silently wrong"] == []


@pytest.mark.parametrize("panel", PANELS)
def test_no_panel_is_silently_misread(panel: str) -> None:
    found = verdicts(made(np.random.default_rng(3), [panel, "stripe", "all as texts"]))
    assert {one.verdict for one in found} == {"right"}


@pytest.mark.parametrize("leak", PLANTED_LEAKS)
def test_what_the_leaving_writes_is_no_feature_where_only_silence_shows_who_left(leak: str) -> None:
    found = verdicts(made(np.random.default_rng(1), ["only silence", "plain", leak]))
    assert {one.aspect: one.verdict for one in found}["leaks"] == "right"
