"""Companies with a known truth: what is proposed for their database is right, or asked about, and never silently wrong.

``python -m bench.truth`` tries 300 companies.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.companies.known_truth.draw import dealt, made
from tests.companies.known_truth.planted_leaks import PLANTED_LEAKS
from tests.companies.known_truth.verdicts import verdicts

HANDS = 12


@pytest.mark.parametrize("hand", range(HANDS))
def test_no_company_is_silently_misread(hand: int) -> None:
    shapes = dealt(1, HANDS)[hand]
    found = verdicts(made(np.random.default_rng(hand), shapes))
    assert [str(one) for one in found if one.verdict == "silently wrong"] == [], shapes


@pytest.mark.parametrize("leak", PLANTED_LEAKS)
def test_what_the_leaving_writes_is_no_feature_where_only_silence_shows_who_left(leak: str) -> None:
    found = verdicts(made(np.random.default_rng(1), ["only silence", "plain", leak]))
    assert {one.aspect: one.verdict for one in found}["leaks"] == "right"
