"""A number of a body is a number: a truth value is not read as one."""

from __future__ import annotations

from typing import Annotated, Any

import pytest
from pydantic import BaseModel, Field, TypeAdapter, ValidationError

from churn_mlops.serving.api.campaigns import CampaignRequest
from churn_mlops.serving.api.contact_models import ContactRequest
from churn_mlops.serving.api.work_list.work_list import ChangeRequest, TakeRequest
from churn_mlops.serving.http.whole_number import NUMBER

SHARE: TypeAdapter[Any] = TypeAdapter(Annotated[float, Field(ge=0, le=1), NUMBER])
COUNT: TypeAdapter[Any] = TypeAdapter(Annotated[int, Field(ge=0), NUMBER])


@pytest.mark.parametrize("value", [0, 1, 1.0])
def test_a_number_is_taken(value: float) -> None:
    assert (SHARE.validate_python(value), COUNT.validate_python(value)) == (value, value)


@pytest.mark.parametrize("value", [False, True, "", "one", None, [1]])
def test_another_type_is_refused(value: object) -> None:
    for kind in (SHARE, COUNT):
        with pytest.raises(ValidationError):
            kind.validate_python(value)


@pytest.mark.parametrize(
    ("request_of", "field"),
    [(ChangeRequest, "version"), (TakeRequest, "version"), (ContactRequest, "campaign_id"),
     *((CampaignRequest, name) for name in ("offer_cost", "min_score", "capacity", "control_share", "explore_share"))],
)  # fmt: skip
def test_the_requests_with_numbers_refuse_a_truth_value(request_of: type[BaseModel], field: str) -> None:
    with pytest.raises(ValidationError) as found:
        request_of.model_validate({field: True})
    assert ("must be a number", field) in [(one["msg"], one["loc"][0]) for one in found.value.errors()]
