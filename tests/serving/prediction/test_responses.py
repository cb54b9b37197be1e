"""The answer of a plain prediction is written by hand, and is JSON to the last digit."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from churn_mlops.serving.prediction.responses import as_json, plain_body, prediction

PROBABILITIES = st.floats(0, 1)


@given(PROBABILITIES, PROBABILITIES)
def test_the_plain_answer_is_that_of_the_encoder(probability: float, threshold: float) -> None:
    body = plain_body(probability, threshold)
    assert body == as_json(prediction(probability, threshold))
    assert json.loads(body)["churn_probability"] == probability
