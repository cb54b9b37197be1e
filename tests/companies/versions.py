"""Model versions with different scores, made in no time: one fitted model, its log-odds shifted."""

from __future__ import annotations

import math
from dataclasses import replace
from functools import cache
from typing import Any

from churn_mlops.models import ChurnModel
from churn_mlops.models.bundle import Bundle
from churn_mlops.models.scorers.lookup_tables import AdditiveTables
from tests.companies.customers import CONTRACT, customers, left

CUSTOMER = {"tenure": 12, "charges": 65.5, "senior": 0, "plan": "monthly", "channel": "web"}


@cache
def fitted() -> Bundle:
    """The model that all versions are made of."""
    frame = customers(400)
    return ChurnModel("logistic_regression", contract=CONTRACT).fit(frame, left(frame)).bundle_


def version_of(number: int) -> Bundle:
    """Version ``number``: a sound bundle that scores every customer a little higher than the one before."""
    bundle = fitted()
    assert isinstance(bundle.model, AdditiveTables)
    model = replace(bundle.model, intercept=bundle.model.intercept + number / 100)
    return replace(bundle, model=model, checks=tuple(_shifted(check, number / 100) for check in bundle.checks))


def disagreeing(number: int) -> Bundle:
    """A bundle with a sound hash that does not give its own recorded scores."""
    return replace(version_of(number), checks=version_of(number + 50).checks)


def _shifted(check: Any, by: float) -> dict[str, Any]:
    log_odds = math.log(check["score"] / (1 - check["score"])) + by
    return {"customer": check["customer"], "score": 1 / (1 + math.exp(-log_odds))}
