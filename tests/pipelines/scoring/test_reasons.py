"""The reasons of the list are those of a single customer, in the same order."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from churn_mlops.data.contract import DataContract
from churn_mlops.models.explain import order_of_reasons
from churn_mlops.pipelines.scoring.reasons import reasons_of

NAMES = ("a", "b", "c", "d")
CONTRACT = DataContract.from_dict({"name": "t", "features": {name: {"type": "number"} for name in NAMES}})
CUSTOMERS = pa.table({name: [1.0] for name in NAMES})


def test_a_reason_against_the_score_comes_after_those_for_it_however_large() -> None:
    found = reasons_of(CUSTOMERS, np.array([[-12, 4, 0, 21]]), CONTRACT)
    assert [text for column in found.values() for text in column][:3] == [
        "d 1: +21 points",
        "b 1: +4 points",
        "a 1: -12 points",
    ]


@settings(max_examples=50)
@given(st.lists(st.integers(-60, 60), min_size=4, max_size=4))
def test_the_list_and_the_phone_call_give_the_same_reasons(points: list[int]) -> None:
    found = [column[0] for column in reasons_of(CUSTOMERS, np.array([points]), CONTRACT).values()]
    expected = [NAMES[place] if points[place] else "" for place in order_of_reasons(points)][: len(found)]
    assert [text[:1] for text in found] == expected
