"""The quick way from bytes to a customer and the one that finds the words for what is wrong agree on every body."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from pydantic_core import from_json

from churn_mlops.serving.http.errors import RequestError
from churn_mlops.serving.model.served_model import ModelSlot
from churn_mlops.serving.prediction.parsing import read_customer

VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(10**30), 10**30),
    st.floats(width=32),
    st.sampled_from(["one_year", "month-to-month", "1", "2", "true", "12", "", 1, 2, 1.0, 10**400, -0.0]),
    st.text(max_size=5),
    st.lists(st.integers(), max_size=2),
)
FIELDS = ("tenure", "monthly_charges", "total_charges", "contract_type", "senior", "region")


@given(given=st.fixed_dictionaries({}, optional={name: VALUES for name in (*FIELDS, "other")}))
@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_reading_in_one_step_is_reading_in_two_steps(source: ModelSlot, customer: dict[str, Any], given: Any) -> None:
    live = source.current
    assert live is not None
    body = json.dumps(customer | given).encode()
    try:
        expected = live.customer.model_validate(from_json(body)).row()
    except (ValidationError, ValueError):
        with pytest.raises(RequestError):
            read_customer(body, live)
        return
    found = read_customer(body, live)
    assert found == expected
    assert list(map(type, found.values())) == list(map(type, expected.values()))
