"""Companies with a known truth: what is proposed for their database is right, or asked about, and never silently wrong.

``python -m bench.truth`` tries 300 companies.
"""

from __future__ import annotations

import numpy as np
import pytest

from tests.companies.known_truth.draw import SHAPES, dealt, made
from tests.companies.known_truth.planted_leaks import PLANTED_LEAKS
from tests.companies.known_truth.verdicts import verdicts

NOT_YET: frozenset[str] = frozenset(
    {
        "the end beside the request", "only versions of customers", "a cohort", "the end among events",
        "a history of states", "subscriptions with returns",
        "salesforce", "kkbox", "shop", "german", "french", "spanish", "portuguese", "dutch", "italian", "polish",
        "japanese", "opaque", "ledger", "stripe", "insurance", "camel", "phone company",
        "billing periods", "paid until", "least terms", "cards that expire", "trials", "discounts",
        "ends of promotions", "pauses", "last changes of customers", "last loads of customers",
        "ends of 9999", "ends of 2099", "ends of 1900", "ends of 1970", "ends of zeros",
        "last changes of rows", "last loads of rows", "rows ahead", "keys that nearly meet",
        "acts in seconds since 1970", "acts in milliseconds since 1970", "starts in seconds since 1970",
    }
)  # fmt: skip
HANDS = 12


@pytest.mark.parametrize("hand", range(HANDS))
def test_no_company_is_silently_misread(hand: int) -> None:
    shapes = dealt(1, HANDS, NOT_YET)[hand]
    found = verdicts(made(np.random.default_rng(hand), shapes))
    assert [str(one) for one in found if one.verdict == "silently wrong"] == [], shapes


@pytest.mark.parametrize("leak", PLANTED_LEAKS)
def test_what_the_leaving_writes_is_no_feature_where_only_silence_shows_who_left(leak: str) -> None:
    found = verdicts(made(np.random.default_rng(1), ["only silence", "plain", leak]))
    assert {one.aspect: one.verdict for one in found}["leaks"] == "right"


def test_every_shape_has_its_turn() -> None:
    assert {shape for shapes in dealt(1, HANDS, NOT_YET) for shape in shapes} == set(SHAPES) - NOT_YET
