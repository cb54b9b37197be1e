"""From the bytes of a request to customers, or to a refusal that names what is wrong."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from pydantic_core import from_json

from churn_mlops.data.contract.customer_body import CustomerBody
from churn_mlops.serving.http.errors import Findings, RequestError, place, sentence, shortened
from churn_mlops.serving.model.served_model import ServedModel

Body = TypeVar("Body", bound=BaseModel)
_MOST_FIELDS = 1000
_TOO_MANY = "holds far more than the fields of this model; GET /model lists them"


def read_customer(body: bytes, live: ServedModel) -> dict[str, Any]:
    """The customer of a request, as the predictor takes them.

    Raises:
        RequestError: the body is not JSON, or not a customer as the contract declares one.
    """
    most = _most_fields(live)
    # Every field after the first, and every value of a list, follows a comma: a body with few is read in microseconds.
    if body.count(b",") > most:
        raise RequestError(422, f"the body {_TOO_MANY}", [("body", _TOO_MANY)])
    try:
        customer = live.customer.model_validate_json(body)
    except ValidationError:
        customer = _looked_at(body, live, most)
    _refuse_repeated_names(body, len(customer.model_fields_set))
    return customer.row()


def read_batch(body: bytes, live: ServedModel) -> list[dict[str, Any]]:
    """The customers of a batch request, in its order.

    They are looked at one by one: pydantic would look at all in one call, and while that lasts (seconds, for the worst
    body) no other thread runs.

    Raises:
        RequestError: as :func:`read_customer`, naming the index and the field; 413 for too many customers.
    """
    most = _most_fields(live)
    findings = Findings(live.predictor.contract.features)
    frame = _held_against(live.frame, _parsed(body), findings, most)
    if frame is None:
        raise findings.refusal()
    places = enumerate(frame.customers)
    found = [_held_against(live.customer, row, findings, most, ("customers", at)) for at, row in places]
    if findings.count:
        raise findings.refusal()
    customers = [customer for customer in found if customer is not None]
    _refuse_repeated_names(body, 1 + sum(len(customer.model_fields_set) for customer in customers))
    return [customer.row() for customer in customers]


def read_fields(body: bytes, model: type[Body], of: str) -> Body:
    """A request of another kind than a customer.

    Args:
        body: as it was sent.
        model: what it has to be.
        of: what that is called, such as "a contact".

    Raises:
        RequestError: as :func:`read_customer`.
    """
    findings = Findings(model.model_fields, of, "/docs")
    found = _held_against(model, _parsed(body), findings, _MOST_FIELDS)
    if found is None:
        raise findings.refusal()
    _refuse_repeated_names(body, len(found.model_fields_set))
    return found


def _looked_at(body: bytes, live: ServedModel, most: int) -> CustomerBody:
    """The same in two steps, which name every fault."""
    findings = Findings(live.predictor.contract.features)
    customer = _held_against(live.customer, _parsed(body), findings, most)
    if customer is None:
        raise findings.refusal()
    return customer


def _most_fields(live: ServedModel) -> int:
    """Above this many fields a customer is not looked at: far from what any honest mistake holds."""
    return max(_MOST_FIELDS, 10 * len(live.predictor.contract.features))


def _parsed(body: bytes) -> Any:
    if not body:
        raise RequestError(422, "the body is empty; send a JSON object", [("body", "is empty")])
    try:
        return from_json(body)
    except ValueError as error:
        problem = f"is not JSON: {error}"
        raise RequestError(422, f"body {problem}", [("body", problem)]) from None


def _held_against(
    model: type[Body], value: Any, findings: Findings, most: int, at: tuple[int | str, ...] = ()
) -> Body | None:
    """``value`` as a ``model``; None if it is none, with the reasons added to ``findings``."""
    if isinstance(value, dict) and len(value) > most:
        findings.add(place(at), _TOO_MANY)
        return None
    try:
        return model.model_validate(value)
    except ValidationError as error:
        findings.add_all(error, at)
        return None


def _refuse_repeated_names(body: bytes, fields: int) -> None:
    """Refuse ``{"tenure": 1, "tenure": 70}``: the client may have meant either value.

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
