"""From the bytes of a request to customers, or to a refusal that names what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from churn_mlops.serving.errors import RequestError, refusal, sentence, shortened
from churn_mlops.serving.live import Live
from churn_mlops.serving.schemas import BatchBody

Body = TypeVar("Body", bound=BaseModel)


def read_customer(body: bytes, live: Live) -> dict[str, Any]:
    """The customer of a request, as the predictor takes him.

    Raises:
        RequestError: the body is not JSON, or not a customer as the contract declares him.
    """
    customer = _parsed(body, live.customer, live)
    _refuse_repeated_names(body, len(customer.model_fields_set))
    return customer.row()


def read_batch(body: bytes, live: Live) -> list[dict[str, Any]]:
    """The customers of a batch request, in its order.

    Raises:
        RequestError: as :func:`read_customer`, naming the index and the field; 413 for too many customers.
    """
    batch: BatchBody = _parsed(body, live.batch, live)
    _refuse_repeated_names(body, 1 + sum(len(customer.model_fields_set) for customer in batch.customers))
    return [customer.row() for customer in batch.customers]


def _parsed(body: bytes, model: type[Body], live: Live) -> Body:
    if not body:
        raise RequestError(422, "the body is empty; send a JSON object", [("body", "is empty")])
    try:
        return model.model_validate_json(body)
    except ValidationError as error:
        raise refusal(error, live.predictor.contract.features) from None


def _refuse_repeated_names(body: bytes, fields: int) -> None:
    """Refuse ``{"tenure": 1, "tenure": 70}``: whichever value a parser keeps, somebody meant the other.

    A body without repeats has one colon a field, besides those within texts. So counting them clears nearly every
    body at no cost, and only the others are parsed again.
    """
    if body.count(b":") == fields:
        return
    repeated: list[str] = []

    def note_repeats(pairs: list[tuple[str, Any]]) -> None:
        repeated.extend(_repeats(name for name, _ in pairs))

    json.loads(body, object_pairs_hook=note_repeats)
    if repeated:
        problems = [(shortened(name), "stands in the body more than once") for name in dict.fromkeys(repeated)]
        raise RequestError(422, sentence(problems), problems)


def _repeats(names: Iterable[str]) -> Iterable[str]:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            yield name
        seen.add(name)
